#include "telemetry/coordinator_metrics.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::telemetry {

namespace {

using families = std::vector<metric_family>;

families http_families(const coordinator_counters& x) {
  auto build = gauge("troupe_build_info", "The program that serves this page; the value is 1.");
  build.add({{"version", x.version}}, 1);
  auto start = gauge("process_start_time_seconds", "Unix time at which the process started.");
  start.add({}, seconds(x.started_at_ms));
  auto responses = counter("troupe_http_responses_total", "HTTP responses by class of their status.");
  for (size_t i = 0; i < x.http_responses.size(); ++i)
    responses.add({{"code", std::to_string(i + 1) + "xx"}}, double(x.http_responses[i]));
  auto connections = gauge("troupe_http_connections", "Open HTTP connections.");
  connections.add({}, double(x.http_connections));
  auto sent = counter("troupe_http_sent_bytes_total", "Bytes sent over HTTP.");
  sent.add({}, double(x.http_sent_bytes));
  auto listeners = gauge("troupe_event_clients", "Clients that listen to the events of jobs.");
  listeners.add({}, double(x.event_clients));
  auto skipped = counter("troupe_events_skipped_total", "Progress events of jobs that were not sent to slow clients.");
  skipped.add({}, double(x.events_skipped));
  auto dropped = counter("troupe_event_clients_dropped_total", "Event clients that were dropped for being too slow.");
  dropped.add({}, double(x.event_clients_dropped));
  auto viewers = gauge("troupe_viewers", "Viewers of channels, by the format that they get.");
  auto delivered = counter("troupe_viewer_sent_bytes_total", "Bytes sent to viewers, by the format that they get.");
  for (auto& v : x.viewers) {
    viewers.add({{"format", v.format}}, double(v.now));
    delivered.add({{"format", v.format}}, double(v.sent_bytes));
  }
  return {build, start, responses, connections, sent, viewers, delivered, listeners, skipped, dropped};
}

families audit_families(const audit_counters& x) {
  auto written = counter("troupe_audit_entries_total", "Entries of the audit log that were stored.");
  written.add({}, double(x.written));
  auto waiting = gauge("troupe_audit_waiting", "Entries of the audit log that wait to be stored.");
  waiting.add({}, double(x.waiting));
  auto lost = counter("troupe_audit_lost_total", "Entries of the audit log that could not be stored.");
  lost.add({}, double(x.lost));
  auto left_out =
    counter("troupe_audit_left_out_total",
            "Refused requests that are not in the audit log, because clients without a key sent too many.");
  left_out.add({}, double(x.left_out));
  return {written, waiting, lost, left_out};
}

families failover_families(const failover_totals& x) {
  auto count = counter("troupe_failovers_total", "Times that another attempt took a rendition over, by cause.");
  for (auto& [reason, n] : x.by_reason)
    count.add({{"reason", reason}}, double(n));
  auto gap = histogram("troupe_failover_gap_seconds", "Wall time without output around a failover.");
  metric_family::buckets gaps;
  for (size_t i = 0; i < x.gap_bounds_s.size(); ++i)
    gaps.upto.emplace_back(x.gap_bounds_s[i], x.gaps[i]);
  gaps.beyond = x.gaps.back();
  gaps.sum = x.gap_sum_s;
  gap.add({}, gaps);
  auto replayed = counter("troupe_replayed_bytes_total", "Source bytes that were sent again for failovers.");
  replayed.add({}, double(x.replayed_bytes));
  auto restarts = counter("troupe_source_restarts_total", "Times that a channel's source was pulled again.");
  restarts.add({}, double(x.source_restarts));
  auto lost = counter("troupe_lost_frames_total", "Pictures of sources that no attempt could produce.");
  lost.add({}, double(x.frames_lost));
  auto given_up = counter("troupe_given_up_total", "Renditions and channels stopped because every attempt failed.");
  given_up.add({}, double(x.given_up));
  return {count, gap, replayed, restarts, lost, given_up};
}

families file_job_families(const file_job_totals& x) {
  auto jobs = gauge("troupe_file_jobs", "File jobs that have not ended, by state.");
  jobs.add({{"state", "waiting"}}, double(x.waiting));
  jobs.add({{"state", "running"}}, double(x.running));
  auto submitted = counter("troupe_file_jobs_submitted_total", "File jobs that were submitted.");
  submitted.add({}, double(x.submitted));
  auto ended = counter("troupe_file_jobs_ended_total", "File jobs that ended, by outcome.");
  ended.add({{"outcome", "completed"}}, double(x.completed));
  ended.add({{"outcome", "failed"}}, double(x.failed));
  ended.add({{"outcome", "cancelled"}}, double(x.cancelled));
  auto chunks = counter("troupe_file_chunks_encoded_total", "Chunks of file jobs that were encoded.");
  chunks.add({}, double(x.chunks_encoded));
  auto frames = counter("troupe_file_frames_encoded_total", "Pictures and packets of sound that are in those chunks.");
  frames.add({}, double(x.frames_encoded));
  auto back = counter("troupe_file_chunks_given_back_total", "Unfinished chunks whose slot was given to live work.");
  back.add({}, double(x.chunks_given_back));
  auto retries = counter("troupe_file_retries_total", "Parts of file jobs that were tried again.");
  retries.add({}, double(x.retries));
  return {jobs, submitted, ended, chunks, frames, back, retries};
}

} // namespace

std::vector<metric_family> coordinator_families(const coordinator_counters& x) {
  auto page = http_families(x);
  auto add = [&page](families&& more) { std::ranges::move(more, std::back_inserter(page)); };
  if (x.audit)
    add(audit_families(*x.audit));
  add(failover_families(x.failovers));
  add(file_job_families(x.file_jobs));
  return page;
}

} // namespace troupe::telemetry
