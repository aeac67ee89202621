// What the API shows of a session.
#include "core/live/session.hpp"

#include "base/mask_url.hpp"

#include <algorithm>

namespace troupe::core {

bool session::finished() const noexcept {
  return variants_.empty() && !ingest_;
}

int64_t session::wall_time(time_point x) const noexcept {
  return started_at_ms_ + std::chrono::duration_cast<milliseconds>(x - started_).count();
}

uint64_t session::frames_lost() const noexcept {
  uint64_t result = 0;
  for (auto& [name, v] : variants_)
    result += v.frames_lost;
  return result;
}

session_status session::status() const {
  session_status result;
  result.id = id_;
  result.channel = channel_.name;
  if (ingest_)
    result.state = !source_              ? "starting"
                   : ingest_->ended      ? "ended"
                   : shows_slate()       ? "slate"
                   : ingest_->lost_since ? "reconnecting"
                                         : "running";
  else
    result.state = "ended";
  result.reason = reason_;
  if (ingest_ && ingest_->url < channel_.urls.size())
    result.url = base::mask_url(channel_.urls[ingest_->url]);
  result.started_at_ms = started_at_ms_;
  if (source_)
    result.source = *source_;
  result.buffered_bytes = buffer_.bytes();
  result.buffered_ms = buffer_.ticks() / 90;
  result.samples_in = samples_in_;
  result.bytes_in = bytes_in_;
  result.source_restarts = source_restarts_;
  result.outages = outages_;
  if (shows_slate())
    result.slate_since_ms = wall_time(*away_since_);
  result.not_carried = not_carried_;
  if (ingest_)
    result.ingest = ingest_->work;
  for (auto& [name, v] : variants_) {
    variant_status s;
    s.profile = name;
    s.mode = !v.begun ? "" : v.plan.passthrough() ? "passthrough" : "transcode";
    s.state = "waiting";
    if (v.begun && v.plan.passthrough())
      s.state = "running";
    else if (v.current && v.current->state != attempt::phase::leasing)
      s.state = v.current->running() ? "running" : "starting";
    if (s.state == "running" && !v.flowing)
      s.state = "starting";
    else if (s.state == "running" && !v.silence.empty())
      s.state = "silent";
    s.reason = v.silence.empty() ? v.last_failure : v.silence;
    s.notes = v.plan.notes;
    auto cursor = v.cursor;
    if (v.current) {
      s.worker = v.current->worker.worker_name;
      s.attempt = v.current->id;
      s.task = v.current->worker.task;
      s.encoder = v.current->worker.seat;
      s.looked_at = v.current->worker.looked_at;
      s.lag_bytes = v.current->in->credit.in_flight_bytes();
      cursor = v.current->in->cursor;
    }
    if (cursor)
      for (auto n = std::max(*cursor, buffer_.first()); n < buffer_.end(); ++n)
        s.lag_bytes += buffer_.at(n).bytes.size();
    if (auto dts = v.newest_dts(); dts != no_timestamp && buffer_.newest_dts() != no_timestamp)
      s.lag_ms = std::max<int64_t>(0, buffer_.newest_dts() - dts) / 90;
    s.output = all_tracks(v);
    s.work = v.work;
    s.failovers = v.failovers;
    s.last_failover = v.last_failover;
    s.last_gap_ms = v.last_gap.count();
    s.replayed_bytes = v.replayed_bytes;
    s.frames_lost = v.frames_lost;
    s.sound_lost = v.sound_lost;
    result.variants.push_back(std::move(s));
  }
  for (auto& [name, ladder] : ladders_)
    for (auto& [rendition, why] : ladder.failed) {
      variant_status s;
      s.profile = rendition;
      s.state = "failed";
      s.reason = why;
      result.variants.push_back(std::move(s));
    }
  return result;
}

} // namespace troupe::core
