// Tables of series: one line per metric with its name, its meaning and the place of its value.
//
// Values that can fall do not end in `_total`, as Prometheus requires.
#include "telemetry/metrics.hpp"

#include "telemetry/coordinator_metrics.hpp"
#include "telemetry/exposition.hpp"
#include "telemetry/gpu_metrics.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <span>

namespace troupe::telemetry {

namespace {

using families = std::vector<metric_family>;

/// One metric with a value per `T`.
template <class T>
struct column {
  metric_family (*make)(std::string name, std::string help);
  const char* name;
  const char* help;
  double (*value)(const T&);
};

/// The hardware that a worker encodes with, by the suffixes of libav*'s encoder names; "none" if all is software.
std::string hardware_of(const capabilities& can) {
  constexpr std::string_view kinds[] = {"nvenc", "vaapi", "qsv", "amf", "v4l2m2m", "videotoolbox", "vulkan"};
  std::string result;
  for (auto kind : kinds) {
    auto proves = [kind](const codec_capability& x) { return x.works && x.name.ends_with(kind); };
    if (std::ranges::any_of(can.encoders, proves))
      result.append(result.empty() ? "" : ",").append(kind);
  }
  return result.empty() ? "none" : result;
}

constexpr column<daemon_status> daemon_columns[] = {
  {gauge, "troupe_daemon_slots", "Transcodes that the worker takes at a time.",
   [](const daemon_status& x) { return double(x.slots); }},
  {gauge, "troupe_daemon_slots_used", "Transcodes that the worker is leased for at present.",
   [](const daemon_status& x) { return double(x.slots_used); }},
  {counter, "troupe_daemon_heartbeats_total", "Heartbeats received from the worker.",
   [](const daemon_status& x) { return double(x.heartbeats); }},
  {counter, "troupe_daemon_heartbeats_missed_total", "Heartbeats of the worker that did not come in time.",
   [](const daemon_status& x) { return double(x.heartbeats_missed); }},
  {gauge, "troupe_daemon_registered_timestamp_seconds", "Unix time at which the worker registered.",
   [](const daemon_status& x) { return seconds(x.registered_at_ms); }},
  {gauge, "troupe_daemon_last_heartbeat_timestamp_seconds", "Unix time of the worker's latest heartbeat.",
   [](const daemon_status& x) { return seconds(x.last_heartbeat_at_ms); }},
  {gauge, "troupe_daemon_speed_frames_per_second", "Speed that the worker showed in a test encode, x264 at 720p.",
   [](const daemon_status& x) { return x.can.speed_fps; }},
  {gauge, "troupe_daemon_drained", "1 when the worker drains and no task runs there any more.",
   [](const daemon_status& x) { return x.drained ? 1.0 : 0.0; }},
  {gauge, "troupe_daemon_recent_failures", "Failed tasks that count against the worker now.",
   [](const daemon_status& x) { return double(x.breaker.failures); }},
  {gauge, "troupe_jobs_running", "Tasks that run on the worker.",
   [](const daemon_status& x) {
     return double(std::ranges::count_if(x.tasks, [](auto& task) { return task.kind != "warm"; }));
   }},
};

constexpr column<machine_statistics> host_columns[] = {
  {gauge, "troupe_host_cpu_percent", "Busy share of all processor cores together, 0 to 100.",
   [](const machine_statistics& x) { return x.cpu_percent; }},
  {gauge, "troupe_host_cpu_cores", "Processor cores that are switched on.",
   [](const machine_statistics& x) { return double(x.cpu_cores); }},
  {gauge, "troupe_host_memory_percent", "Used share of the memory, 0 to 100.",
   [](const machine_statistics& x) { return x.memory_percent; }},
  {gauge, "troupe_host_memory_total_bytes", "Memory of the machine.",
   [](const machine_statistics& x) { return double(x.memory_total_bytes); }},
  {gauge, "troupe_host_memory_used_bytes", "Memory that is not available without swapping.",
   [](const machine_statistics& x) { return double(x.memory_used_bytes); }},
  {gauge, "troupe_host_memory_available_bytes", "Memory that is available without swapping.",
   [](const machine_statistics& x) { return double(x.memory_available_bytes); }},
  {gauge, "troupe_host_swap_total_bytes", "Swap space of the machine.",
   [](const machine_statistics& x) { return double(x.swap_total_bytes); }},
  {gauge, "troupe_host_swap_used_bytes", "Swap space in use.",
   [](const machine_statistics& x) { return double(x.swap_used_bytes); }},
  {gauge, "troupe_host_disk_percent", "Used share of the file system of the work folder, 0 to 100.",
   [](const machine_statistics& x) { return x.disk_percent; }},
  {gauge, "troupe_host_disk_total_bytes", "Size of the file system of the work folder.",
   [](const machine_statistics& x) { return double(x.disk_total_bytes); }},
  {gauge, "troupe_host_disk_used_bytes", "Used space in the file system of the work folder.",
   [](const machine_statistics& x) { return double(x.disk_used_bytes); }},
  {gauge, "troupe_host_disk_available_bytes", "Free space in the file system of the work folder.",
   [](const machine_statistics& x) { return double(x.disk_available_bytes); }},
  {gauge, "troupe_host_uptime_seconds", "Time since the machine started.",
   [](const machine_statistics& x) { return double(x.uptime_s); }},
};

constexpr column<task_statistics> job_columns[] = {
  {gauge, "troupe_job_cpu_percent", "Processor time of the task's process, 100 is one core.",
   [](const task_statistics& x) { return x.process.cpu_percent; }},
  {gauge, "troupe_job_memory_bytes", "Resident memory of the task's process.",
   [](const task_statistics& x) { return double(x.process.memory_bytes); }},
  {gauge, "troupe_job_outputs", "Outputs that the task makes; a transcode makes all of them with one decoder.",
   [](const task_statistics& x) { return double(x.outputs); }},
  {gauge, "troupe_job_running_seconds", "Age of the task's process.",
   [](const task_statistics& x) { return double(x.process.running_ms) / 1000; }},
  {counter, "troupe_job_frames_decoded_total", "Frames that the task has decoded.",
   [](const task_statistics& x) { return double(x.work.frames_decoded); }},
  {counter, "troupe_job_frames_encoded_total", "Frames that the task has encoded.",
   [](const task_statistics& x) { return double(x.work.frames_encoded); }},
  {counter, "troupe_job_corrupt_packets_total", "Damaged packets that the task has met.",
   [](const task_statistics& x) { return double(x.work.corrupt_packets); }},
  {counter, "troupe_job_discontinuities_total", "Breaks of the source's timeline that the task has met.",
   [](const task_statistics& x) { return double(x.work.discontinuities); }},
};

constexpr column<session_status> session_columns[] = {
  {gauge, "troupe_session_started_timestamp_seconds", "Unix time at which the channel started.",
   [](const session_status& x) { return seconds(x.started_at_ms); }},
  {gauge, "troupe_session_buffer_bytes", "Source bytes that the channel holds.",
   [](const session_status& x) { return double(x.buffered_bytes); }},
  {gauge, "troupe_session_buffer_seconds", "Media time that the channel's source buffer spans.",
   [](const session_status& x) { return seconds(x.buffered_ms); }},
  {counter, "troupe_session_samples_received_total", "Samples that the channel's ingest has delivered.",
   [](const session_status& x) { return double(x.samples_in); }},
  {counter, "troupe_session_received_bytes_total", "Bytes that the channel's ingest has delivered.",
   [](const session_status& x) { return double(x.bytes_in); }},
  {counter, "troupe_session_corrupt_packets_total", "Damaged packets that the ingest has met in the source.",
   [](const session_status& x) { return double(x.ingest.corrupt_packets); }},
  {counter, "troupe_session_source_restarts_total", "Times that the channel's source was pulled again.",
   [](const session_status& x) { return double(x.source_restarts); }},
  {gauge, "troupe_session_slate", "1 while the channel's clients see a slate, because the source is away.",
   [](const session_status& x) { return x.slate_since_ms != 0 ? 1.0 : 0.0; }},
  {counter, "troupe_session_outages_total", "Times that the channel's source was away and clients saw a slate.",
   [](const session_status& x) { return double(x.outages); }},
  {counter, "troupe_session_discontinuities_total", "Breaks of the source's timeline that the ingest has repaired.",
   [](const session_status& x) { return double(x.ingest.discontinuities); }},
};

constexpr column<variant_status> variant_columns[] = {
  {gauge, "troupe_variant_clients", "Clients that are watching the variant.",
   [](const variant_status& x) { return double(x.clients); }},
  {counter, "troupe_variant_client_joins_total", "Clients that have joined the variant.",
   [](const variant_status& x) { return double(x.clients_total); }},
  {counter, "troupe_variant_client_skips_total", "Times that a slow client was moved ahead to a random-access point.",
   [](const variant_status& x) { return double(x.skips); }},
  {gauge, "troupe_variant_lag_bytes", "Source bytes that the transcoder has not taken yet.",
   [](const variant_status& x) { return double(x.lag_bytes); }},
  {gauge, "troupe_variant_lag_seconds", "Media time between the newest source sample and the newest output sample.",
   [](const variant_status& x) { return seconds(x.lag_ms); }},
  {gauge, "troupe_variant_buffer_bytes", "Muxed bytes that the variant holds for its clients.",
   [](const variant_status& x) { return double(x.buffered_bytes); }},
  {counter, "troupe_variant_muxed_bytes_total", "Bytes that the variant's muxer has written.",
   [](const variant_status& x) { return double(x.bytes_out); }},
  {gauge, "troupe_variant_last_gap_seconds", "Wall time without output around the variant's latest failover.",
   [](const variant_status& x) { return seconds(x.last_gap_ms); }},
  {counter, "troupe_variant_failovers_total", "Times that another attempt took the variant over.",
   [](const variant_status& x) { return double(x.failovers); }},
  {counter, "troupe_variant_replayed_bytes_total", "Source bytes that were sent again for the variant.",
   [](const variant_status& x) { return double(x.replayed_bytes); }},
  {counter, "troupe_variant_lost_frames_total", "Pictures of the source that no attempt at the variant could produce.",
   [](const variant_status& x) { return double(x.frames_lost); }},
  {gauge, "troupe_variant_encoding_speed", "Media time over wall time of the variant's transcoder; 1 is real time.",
   [](const variant_status& x) { return x.work.speed; }},
};

template <class T>
families make_families(std::span<const column<T>> columns) {
  families result;
  for (auto& column : columns)
    result.push_back(column.make(column.name, column.help));
  return result;
}

template <class T>
void add_row(families& to, std::span<const column<T>> columns, const labels& of, const T& from) {
  for (size_t i = 0; i < columns.size(); ++i)
    to[i].add(of, columns[i].value(from));
}

void move_into(families& page, families&& more) {
  std::ranges::move(more, std::back_inserter(page));
}

constexpr std::string_view breaker_states[] = {"closed", "open", "half-open"};

constexpr health health_states[] = {health::healthy, health::degraded, health::unhealthy, health::draining,
                                    health::gone};

families daemon_families(const std::vector<daemon_status>& daemons) {
  auto count = gauge("troupe_daemons", "Workers that the coordinator knows, by status.");
  for (auto state : health_states)
    count.add({{"status", to_string(state)}}, double(std::ranges::count(daemons, state, &daemon_status::state)));
  auto info = gauge("troupe_daemon_info", "A worker that the coordinator knows; the value is 1.");
  auto status = gauge("troupe_daemon_status", "1 for the status that the worker has, 0 for the others.");
  auto breaker =
    gauge("troupe_daemon_breaker", "1 for the state that the worker's circuit breaker has, 0 for the others.");
  auto jobs = counter("troupe_jobs_total", "Tasks of the worker that have ended.");
  auto columns = make_families<daemon_status>(daemon_columns);
  for (auto& daemon : daemons) {
    auto id = to_string(daemon.id);
    info.add({{"daemon_id", id},
              {"name", daemon.name},
              {"version", daemon.version},
              {"hw_accel", hardware_of(daemon.can)},
              {"libav_version", daemon.can.libav_version},
              {"hostname", daemon.machine.hostname},
              {"os", daemon.machine.os},
              {"arch", daemon.machine.arch}},
             1);
    for (auto state : health_states)
      status.add({{"daemon_id", id}, {"status", to_string(state)}}, daemon.state == state ? 1 : 0);
    for (auto state : breaker_states)
      breaker.add({{"daemon_id", id}, {"state", state}}, daemon.breaker.state == state ? 1 : 0);
    jobs.add({{"daemon_id", id}, {"status", "completed"}}, double(daemon.tasks_completed));
    jobs.add({{"daemon_id", id}, {"status", "failed"}}, double(daemon.tasks_failed));
    add_row<daemon_status>(columns, daemon_columns, {{"daemon_id", id}}, daemon);
  }
  families result{count, info, status, breaker, jobs};
  move_into(result, std::move(columns));
  return result;
}

families transfer_families(const std::vector<daemon_status>& daemons, const transfer_totals& totals) {
  auto samples = counter("troupe_samples_transferred_total", "Samples into and out of the worker's tasks.");
  auto bytes = counter("troupe_bytes_transferred_total", "Bytes of samples into and out of the worker's tasks.");
  auto latency = summary("troupe_latency_seconds", "Lag of the worker's output behind the source, in media time.");
  for (auto& daemon : daemons) {
    auto id = to_string(daemon.id);
    auto& sum = totals.of(daemon.id);
    samples.add({{"daemon_id", id}, {"direction", "in"}}, double(sum.samples_in));
    samples.add({{"daemon_id", id}, {"direction", "out"}}, double(sum.samples_out));
    bytes.add({{"daemon_id", id}, {"direction", "in"}}, double(sum.bytes_in));
    bytes.add({{"daemon_id", id}, {"direction", "out"}}, double(sum.bytes_out));
    metric_family::distribution distribution{sum.latency_count, sum.latency_sum_s, {}};
    for (auto share : {0.5, 0.9, 0.99})
      distribution.quantiles.emplace_back(share, sum.latency_quantile_s(share));
    latency.add({{"daemon_id", id}}, distribution);
  }
  return {samples, bytes, latency};
}

families host_families(const std::vector<daemon_status>& daemons) {
  constexpr size_t cores_max = 256;
  auto cores = gauge("troupe_host_cpu_core_percent", "Busy share of one processor core, 0 to 100.");
  auto load = gauge("troupe_host_load_avg", "Load average of the machine.");
  auto network = counter("troupe_host_network_bytes_total", "Bytes over all interfaces but loopback.");
  auto stalls = gauge("troupe_host_pressure", "Share of the time in which work waited for the resource, 0 to 100.");
  auto stalled = counter("troupe_host_pressure_seconds_total", "Time in which work waited for the resource.");
  auto columns = make_families<machine_statistics>(host_columns);
  for (auto& daemon : daemons) {
    auto id = to_string(daemon.id);
    auto& host = daemon.machine;
    add_row<machine_statistics>(columns, host_columns, {{"daemon_id", id}}, host);
    for (size_t i = 0; i < std::min(host.cpu_per_core.size(), cores_max); ++i)
      cores.add({{"daemon_id", id}, {"core", std::to_string(i)}}, host.cpu_per_core[i]);
    load.add({{"daemon_id", id}, {"window", "1m"}}, host.load_1m);
    load.add({{"daemon_id", id}, {"window", "5m"}}, host.load_5m);
    load.add({{"daemon_id", id}, {"window", "15m"}}, host.load_15m);
    network.add({{"daemon_id", id}, {"direction", "sent"}}, double(host.network_sent_bytes));
    network.add({{"daemon_id", id}, {"direction", "received"}}, double(host.network_received_bytes));
    std::pair<const char*, const pressure*> resources[] = {
      {"cpu", &host.cpu_pressure}, {"memory", &host.memory_pressure}, {"io", &host.io_pressure}};
    for (auto& [name, value] : resources) {
      stalls.add({{"daemon_id", id}, {"resource", name}, {"window", "10"}}, value->avg10);
      stalls.add({{"daemon_id", id}, {"resource", name}, {"window", "60"}}, value->avg60);
      stalls.add({{"daemon_id", id}, {"resource", name}, {"window", "300"}}, value->avg300);
      stalled.add({{"daemon_id", id}, {"resource", name}}, double(value->total_us) / 1e6);
    }
  }
  move_into(columns, {cores, load, network, stalls, stalled});
  return columns;
}

/// The codec of a stream's first video track, or of its first track if there is no video.
std::string_view codec_of(const stream_format& format) {
  auto video = std::ranges::find(format.tracks, track_kind::video, &track_format::kind);
  if (video == format.tracks.end())
    video = format.tracks.begin();
  return video == format.tracks.end() ? std::string_view{} : std::string_view{video->codec};
}

families job_families(const std::vector<daemon_status>& daemons, const std::vector<session_status>& sessions) {
  std::map<attempt_id, std::string_view> codecs;
  for (auto& session : sessions)
    for (auto& variant : session.variants)
      codecs.emplace(variant.attempt, codec_of(variant.output));
  auto info = gauge("troupe_job_info", "A running task; the value is 1.");
  auto speed = gauge("troupe_job_encoding_speed", "Media time over wall time of the task; 1 is real time.");
  auto samples = counter("troupe_job_samples_total", "Samples into and out of the task.");
  auto bytes = counter("troupe_job_bytes_total", "Bytes of samples into and out of the task.");
  auto columns = make_families<task_statistics>(job_columns);
  for (auto& daemon : daemons) {
    auto daemon_id = to_string(daemon.id);
    for (auto& task : daemon.tasks) {
      if (task.kind == "warm")
        continue;
      auto id = to_string(task.task);
      auto codec = codecs.find(task.attempt);
      auto codec_name = codec == codecs.end() ? std::string_view{} : codec->second;
      info.add({{"daemon_id", daemon_id},
                {"job_id", id},
                {"kind", task.kind},
                {"channel", task.channel},
                {"profile", task.profile}},
               1);
      speed.add({{"daemon_id", daemon_id}, {"job_id", id}, {"codec", codec_name}}, task.work.speed);
      samples.add({{"daemon_id", daemon_id}, {"job_id", id}, {"direction", "in"}}, double(task.work.samples_in));
      samples.add({{"daemon_id", daemon_id}, {"job_id", id}, {"direction", "out"}}, double(task.work.samples_out));
      bytes.add({{"daemon_id", daemon_id}, {"job_id", id}, {"direction", "in"}}, double(task.work.bytes_in));
      bytes.add({{"daemon_id", daemon_id}, {"job_id", id}, {"direction", "out"}}, double(task.work.bytes_out));
      add_row<task_statistics>(columns, job_columns, {{"daemon_id", daemon_id}, {"job_id", id}}, task);
    }
  }
  move_into(columns, {info, speed, samples, bytes});
  return columns;
}

families session_families(const std::vector<session_status>& sessions) {
  auto count = gauge("troupe_sessions", "Running channels by state.");
  for (std::string_view state : {"starting", "running", "slate", "reconnecting", "failed"})
    count.add({{"status", state}}, double(std::ranges::count(sessions, state, &session_status::state)));
  auto variants = gauge("troupe_variants", "Renditions that the running channels are made into, by state.");
  for (std::string_view state : {"waiting", "starting", "running", "silent", "failed"}) {
    ptrdiff_t total = 0;
    for (auto& session : sessions)
      total += std::ranges::count(session.variants, state, &variant_status::state);
    variants.add({{"status", state}}, double(total));
  }
  auto clients = gauge("troupe_clients", "Clients that are watching.");
  uint64_t watching = 0;
  auto columns = make_families<session_status>(session_columns);
  auto variant_series = make_families<variant_status>(variant_columns);
  for (auto& session : sessions) {
    add_row<session_status>(columns, session_columns, {{"channel", session.channel}}, session);
    for (auto& variant : session.variants) {
      watching += variant.clients;
      add_row<variant_status>(variant_series, variant_columns,
                              {{"channel", session.channel}, {"profile", variant.profile}}, variant);
    }
  }
  clients.add({}, double(watching));
  families result{count, variants, clients};
  move_into(result, std::move(columns));
  move_into(result, std::move(variant_series));
  return result;
}

} // namespace

void coordinator_counters::count_response(int status) {
  auto last = static_cast<int>(http_responses.size()) - 1;
  auto index = status >= 100 && status < 600 ? status / 100 - 1 : last;
  ++http_responses[static_cast<size_t>(index)];
}

std::string render_metrics(const std::vector<daemon_status>& daemons, const std::vector<session_status>& sessions,
                           const coordinator_counters& counters, const transfer_totals& totals) {
  auto page = coordinator_families(counters);
  move_into(page, daemon_families(daemons));
  move_into(page, transfer_families(daemons, totals));
  move_into(page, host_families(daemons));
  move_into(page, gpu_families(daemons));
  move_into(page, job_families(daemons, sessions));
  move_into(page, session_families(sessions));
  return to_text(page);
}

std::string render_metrics(const std::vector<daemon_status>& daemons, const std::vector<session_status>& sessions,
                           const coordinator_counters& counters) {
  transfer_totals totals;
  totals.observe(daemons, sessions);
  return render_metrics(daemons, sessions, counters, totals);
}

} // namespace troupe::telemetry
