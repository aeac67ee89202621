// The samples' way through a session, and what the API sees of it.
#include "actors/core/session.hpp"

#include "messages/url.hpp"

#include <algorithm>
#include <utility>

namespace troupe::core {

namespace {

/// The samples of the tracks that the plan keeps, renumbered; the block itself where it keeps all.
sample_block selected(const sample_block& block, const variant_plan& plan) {
  auto kept = [&](uint16_t track) { return track < plan.actions.size() && plan.actions[track] != track_action::drop; };
  if (std::all_of(block.samples.begin(), block.samples.end(), [&](const sample& s) { return kept(s.track); })
      && std::find(plan.actions.begin(), plan.actions.end(), track_action::drop) == plan.actions.end())
    return block;
  sample_block result;
  shared_bytes::container bytes;
  size_t offset = 0;
  for (auto s : block.samples) {
    auto data = block.bytes.span().subspan(offset, s.size);
    offset += s.size;
    if (!kept(s.track))
      continue;
    auto end = plan.actions.begin() + s.track;
    s.track = static_cast<uint16_t>(
      std::count_if(plan.actions.begin(), end, [](track_action a) { return a != track_action::drop; }));
    result.samples.push_back(s);
    bytes.insert(bytes.end(), data.begin(), data.end());
  }
  result.bytes = shared_bytes{std::move(bytes)};
  return result;
}

} // namespace

// -- samples ------------------------------------------------------------------

void session::on(const format_change& x, time_point now) {
  if (ingest_ && ingest_->attempt == x.attempt) {
    auto first = !source_;
    source_ = x.format;
    if (first) {
      source_known(now);
      return;
    }
    for (auto& [name, v] : variants_) {
      if (v.state != phase::running || !v.plan.passthrough())
        continue;
      v.plan = plan_variant(*source_, v.target);
      v.output = passthrough_format(*source_, v.plan);
      effects_.open_output(name, v.output);
    }
    return;
  }
  auto i = find(x.attempt);
  if (i == variants_.end() || i->second.output == x.format)
    return;
  i->second.output = x.format;
  effects_.open_output(i->first, x.format);
}

void session::on(const sample_batch& x, time_point now) {
  if (ingest_ && ingest_->attempt == x.attempt) {
    if (x.sequence != ingest_->received + 1)
      return;
    ++ingest_->received;
    samples_in_ += x.block.samples.size();
    bytes_in_ += x.block.bytes.size();
    buffer_.append(x.block);
    effects_.acknowledge({x.attempt, x.sequence});
    for (auto& [name, v] : variants_)
      pump(v, now);
    release_source();
    return;
  }
  auto i = find(x.attempt);
  if (i == variants_.end() || x.sequence != i->second.received + 1)
    return;
  ++i->second.received;
  effects_.acknowledge({x.attempt, x.sequence});
  deliver(i->second, x.block, now);
}

void session::on(const batch_ack& x, time_point now) {
  auto i = find(x.attempt);
  if (i == variants_.end() || !i->second.credit || !i->second.credit->acknowledge(x.sequence))
    return;
  pump(i->second, now);
}

void session::pump(variant& v, time_point now) {
  if (v.state != phase::running)
    return;
  if (!v.cursor)
    v.cursor = buffer_.join_point();
  if (v.cursor && *v.cursor < buffer_.first())
    v.cursor = buffer_.join_point_from(buffer_.first()); // it was too slow: what it missed is gone
  auto direct = v.plan.passthrough();
  while (v.cursor && *v.cursor < buffer_.end() && (direct || v.credit->open())) {
    auto& block = buffer_.at((*v.cursor)++);
    if (direct)
      deliver(v, selected(block, v.plan), now);
    else
      effects_.send({v.attempt, v.credit->send(block.bytes.size()), block});
  }
  auto drained = !v.cursor || *v.cursor >= buffer_.end();
  if (ingest_ && ingest_->ended && drained && !direct && !v.source_finished) {
    v.source_finished = true;
    effects_.finish(v.attempt);
  }
}

void session::deliver(variant& v, const sample_block& block, time_point) {
  if (block.samples.empty())
    return;
  effects_.deliver(v.target.name, block);
  for (auto& s : block.samples) {
    v.delivered_pts = std::max(v.delivered_pts, s.pts);
    v.delivered_dts = std::max(v.delivered_dts, s.dts);
  }
  if (v.flowing || !block.starts_with_random_access())
    return;
  v.flowing = true;
  for (auto& w : std::exchange(v.waiting, {}))
    effects_.answer(w.id, v.target.name);
}

void session::release_source() {
  auto floor = buffer_.end();
  for (auto& [name, v] : variants_) {
    if (v.cursor)
      floor = std::min(floor, *v.cursor);
    if (!v.plan.passthrough() && v.delivered_pts != no_timestamp)
      floor = std::min(floor, buffer_.join_point_before(v.delivered_pts - preroll_ticks).value_or(floor));
  }
  buffer_.release(floor);
}

void session::on(const stream_end& x, time_point now) {
  if (ingest_ && ingest_->attempt == x.attempt) {
    ingest_over(x.reason, x.terminal, now);
    return;
  }
  auto i = find(x.attempt);
  if (i == variants_.end())
    return;
  if (!x.reason.empty()) {
    retry(i->second, x.reason, x.terminal, now);
    return;
  }
  remove(i, ec::source_failed, "the source has ended", {});
  if (variants_.empty())
    fail_everything(ec::none, {});
}

void session::on(attempt_id attempt, const work_statistics& x) {
  if (ingest_ && ingest_->attempt == attempt)
    ingest_->work = x;
  else if (auto i = find(attempt); i != variants_.end())
    i->second.work = x;
}

void session::down(attempt_id attempt, const std::string& why, time_point now) {
  if (ingest_ && ingest_->attempt == attempt)
    ingest_over(why, false, now);
  else if (auto i = find(attempt); i != variants_.end())
    retry(i->second, why, false, now);
}

void session::output_failed(const std::string& profile, const std::string& why) {
  if (auto i = variants_.find(profile); i != variants_.end())
    remove(i, ec::encode_failed, why, {});
}

session::variants::iterator session::find(attempt_id attempt) {
  return std::find_if(variants_.begin(), variants_.end(),
                      [attempt](const auto& kv) { return attempt && kv.second.attempt == attempt; });
}

// -- views --------------------------------------------------------------------

bool session::finished() const noexcept {
  return variants_.empty() && !ingest_;
}

session_status session::status() const {
  session_status result;
  result.id = id_;
  result.channel = channel_.name;
  result.state = source_ ? (ingest_ && !ingest_->ended ? "running" : "ended") : "starting";
  result.reason = reason_;
  if (ingest_ && ingest_->url < channel_.urls.size())
    result.url = mask_url(channel_.urls[ingest_->url]);
  result.started_at_ms = started_at_ms_;
  if (source_)
    result.source = *source_;
  result.buffered_bytes = buffer_.bytes();
  result.buffered_ms = buffer_.ticks() / 90;
  result.samples_in = samples_in_;
  result.bytes_in = bytes_in_;
  if (ingest_)
    result.ingest = ingest_->work;
  for (auto& [name, v] : variants_) {
    constexpr const char* states[] = {"waiting", "waiting", "starting", "running"};
    variant_status s;
    s.profile = name;
    s.state = states[static_cast<size_t>(v.state)];
    s.mode = v.state == phase::waiting ? "" : v.plan.passthrough() ? "passthrough" : "transcode";
    s.reason = v.last_failure;
    s.worker = v.worker.worker_name;
    s.attempt = v.attempt;
    if (v.cursor)
      for (auto n = std::max(*v.cursor, buffer_.first()); n < buffer_.end(); ++n)
        s.lag_bytes += buffer_.at(n).bytes.size();
    if (v.credit)
      s.lag_bytes += v.credit->in_flight_bytes();
    if (v.delivered_dts != no_timestamp && buffer_.newest_dts() != no_timestamp)
      s.lag_ms = std::max<int64_t>(0, buffer_.newest_dts() - v.delivered_dts) / 90;
    s.output = v.output;
    s.work = v.work;
    result.variants.push_back(std::move(s));
  }
  return result;
}

} // namespace troupe::core
