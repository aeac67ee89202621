#include "actors/core/session.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

namespace {

/// Media time before the last delivered frame that a new attempt needs to be right from there on: an open GOP's leading pictures,
/// a deinterlacer's neighbours, an audio encoder's priming.
constexpr int64_t preroll_ticks = ticks_per_second;

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

std::string redacted(const std::string& url) {
  auto result = url;
  if (auto query = result.find('?'); query != std::string::npos)
    result.resize(query);
  auto scheme = result.find("://");
  if (scheme == std::string::npos)
    return result;
  auto host = scheme + 3;
  auto path = result.find('/', host);
  auto at = result.rfind('@', path);
  if (at != std::string::npos && at >= host)
    result.erase(host, at + 1 - host);
  return result;
}

session::session(session_config config, session_id id, channel source, session_effects& effects, time_point,
                 int64_t unix_ms)
  : config_(std::move(config)), id_(id), channel_(std::move(source)), effects_(effects), started_at_ms_(unix_ms),
    buffer_(config_.buffer) {}

// -- clients ------------------------------------------------------------------

void session::watch(const profile& target, ticket x, time_point now) {
  auto [i, added] = variants_.try_emplace(target.name);
  auto& v = i->second;
  if (added) {
    v.target = target;
    v.since = now;
  }
  v.idle_since.reset();
  if (v.flowing) {
    effects_.answer(x, target.name);
    return;
  }
  if (v.waiting.size() >= config_.watchers_max) {
    effects_.refuse(x, ec::limit, "too many clients wait for " + channel_.name + "/" + target.name);
    return;
  }
  v.waiting.push_back({x, now});
  if (!ingest_)
    start_ingest();
  else if (added && source_)
    begin(v, now);
}

void session::tick(time_point now) {
  std::vector<std::string> names;
  for (auto& [name, v] : variants_)
    names.push_back(name);
  for (auto& name : names) {
    auto i = variants_.find(name);
    if (i == variants_.end())
      continue;
    auto& v = i->second;
    auto late = [&](const waiting_client& w) { return now - w.since >= config_.watch_timeout; };
    for (auto& w : v.waiting)
      if (late(w))
        effects_.refuse(w.id, ec::timeout,
                        v.last_failure.empty() ? "no bytes of " + channel_.name + "/" + name + " came in time"
                                               : v.last_failure);
    std::erase_if(v.waiting, late);
    auto transcoding = v.state == phase::starting || v.state == phase::running;
    if (transcoding && !v.plan.passthrough() && v.received == 0 && now - v.since >= config_.first_output_timeout) {
      retry(v, "the transcoder made nothing for " + std::to_string(config_.first_output_timeout.count()) + " ms", false,
            now);
      continue;
    }
    if (v.flowing && v.state == phase::running && now - v.since >= config_.settled_after) {
      v.tries = 0;
      v.refused_by.clear();
    }
    if (!v.waiting.empty() || effects_.clients(name) > 0) {
      v.idle_since.reset();
    } else if (!v.idle_since) {
      v.idle_since = now;
    } else if (now - *v.idle_since >= config_.idle_timeout) {
      remove(i, ec::none, {}, {});
    }
  }
  if (variants_.empty() && ingest_)
    fail_everything(ec::none, {});
}

void session::shut_down(const std::string& reason) {
  fail_everything(ec::stopping, reason);
}

// -- ingest -------------------------------------------------------------------

void session::start_ingest() {
  if (!ingest_)
    ingest_.emplace();
  if (channel_.urls.empty()) {
    fail_everything(ec::source_failed, "the channel " + channel_.name + " has no source URL");
    return;
  }
  ingest_->attempt = effects_.next_attempt();
  ingest_->state = phase::leasing;
  ingest_->received = 0;
  lease_request request;
  request.label = {work_kind::ingest, channel_.name, {}, id_, ingest_->attempt};
  effects_.request_lease(request);
}

void session::ingest_over(const std::string& why, bool, time_point now) {
  auto known = source_.has_value();
  effects_.stop(ingest_->attempt, why);
  reason_ = why;
  if (!known && ingest_->url + 1 < channel_.urls.size()) {
    ++ingest_->url;
    start_ingest();
    return;
  }
  if (!known) {
    fail_everything(ec::source_failed, why);
    return;
  }
  ingest_->ended = true;
  ingest_->attempt = {};
  std::vector<std::string> names;
  for (auto& [name, v] : variants_)
    names.push_back(name);
  for (auto& name : names) {
    auto i = variants_.find(name);
    if (i == variants_.end())
      continue;
    if (i->second.plan.passthrough() || i->second.state != phase::running)
      remove(i, ec::source_failed, why.empty() ? "the source has ended" : why, {});
    else
      pump(i->second, now);
  }
  if (variants_.empty())
    fail_everything(ec::none, why);
}

void session::source_known(time_point now) {
  std::vector<std::string> names;
  for (auto& [name, v] : variants_)
    if (v.state == phase::waiting)
      names.push_back(name);
  for (auto& name : names)
    if (auto i = variants_.find(name); i != variants_.end())
      begin(i->second, now);
}

// -- variants -----------------------------------------------------------------

void session::begin(variant& v, time_point now) {
  v.plan = plan_variant(*source_, v.target);
  auto output = passthrough_format(*source_, v.plan);
  if (output.tracks.empty()) {
    remove(variants_.find(v.target.name), ec::encode_failed,
           "nothing of the source of " + channel_.name + " is left in the profile " + v.target.name, {});
    return;
  }
  if (!v.plan.passthrough()) {
    lease_for(v, now);
    return;
  }
  v.state = phase::running;
  v.since = now;
  v.output = output;
  v.cursor.reset();
  effects_.open_output(v.target.name, output);
  pump(v, now);
}

void session::lease_for(variant& v, time_point now) {
  v.attempt = effects_.next_attempt();
  v.state = phase::leasing;
  v.since = now;
  v.worker = {};
  v.received = 0;
  v.source_finished = false;
  ++v.tries;
  lease_request request;
  request.label = {work_kind::transcode, channel_.name, v.target.name, id_, v.attempt};
  request.encoders = v.plan.encoders;
  request.decoders = v.plan.decoders;
  request.refused_by = v.refused_by;
  effects_.request_lease(request);
}

void session::leased(attempt_id attempt, const lease& x, time_point now) {
  if (ingest_ && ingest_->attempt == attempt) {
    ingest_->state = phase::starting;
    ingest_work work;
    work.attempt = attempt;
    work.session = id_;
    work.channel = channel_.name;
    work.url = channel_.urls[ingest_->url];
    work.loop = channel_.loop;
    work.open_timeout = config_.open_timeout;
    work.read_timeout = config_.read_timeout;
    work.credit_bytes = config_.credit_bytes;
    effects_.start(work);
    return;
  }
  auto i = find(attempt);
  if (i == variants_.end()) {
    effects_.stop(attempt, {}); // the variant went while its lease was on the way
    return;
  }
  auto& v = i->second;
  v.worker = x;
  v.state = phase::starting;
  v.since = now;
  transcode_work work;
  work.attempt = attempt;
  work.session = id_;
  work.channel = channel_.name;
  work.source = *source_;
  work.target = v.target;
  work.credit_bytes = config_.credit_bytes;
  if (v.delivered_pts != no_timestamp)
    work.span.from_pts = v.delivered_pts + 1;
  effects_.start(work);
}

void session::lease_failed(attempt_id attempt, ec code, const std::string& why, time_point now) {
  if (ingest_ && ingest_->attempt == attempt) {
    ingest_->attempt = {};
    fail_everything(code, why);
    return;
  }
  auto i = find(attempt);
  if (i == variants_.end())
    return;
  auto& v = i->second;
  if (!v.refused_by.empty() && v.tries < config_.attempts_max) {
    // Nobody else can: those that failed before may try again.
    v.refused_by.clear();
    lease_for(v, now);
    return;
  }
  v.attempt = {};
  remove(i, code, v.last_failure.empty() ? why : v.last_failure + "; then: " + why, {});
}

void session::started(attempt_id attempt, time_point now) {
  if (ingest_ && ingest_->attempt == attempt) {
    ingest_->state = phase::running;
    // Its first batches may have come before the news that it runs: only now can they be acknowledged.
    effects_.acknowledge({attempt, ingest_->received});
    return;
  }
  auto i = find(attempt);
  if (i == variants_.end())
    return;
  auto& v = i->second;
  v.state = phase::running;
  v.since = now;
  effects_.acknowledge({attempt, v.received});
  v.credit.emplace(config_.credit_bytes);
  v.cursor = v.delivered_pts == no_timestamp ? buffer_.join_point()
                                             : buffer_.join_point_before(v.delivered_pts - preroll_ticks);
  pump(v, now);
}

void session::start_failed(attempt_id attempt, const std::string& why, bool terminal, time_point now) {
  if (ingest_ && ingest_->attempt == attempt) {
    ingest_over(why, terminal, now);
    return;
  }
  if (auto i = find(attempt); i != variants_.end())
    retry(i->second, why, terminal, now);
}

void session::retry(variant& v, const std::string& why, bool terminal, time_point now) {
  auto i = variants_.find(v.target.name);
  v.last_failure = why;
  if (terminal || v.tries >= config_.attempts_max) {
    remove(i, ec::encode_failed, why, terminal ? std::string{} : why); // bad media is not the worker's failure
    return;
  }
  effects_.stop(v.attempt, why);
  if (v.worker.worker)
    v.refused_by.push_back(v.worker.worker);
  lease_for(v, now);
}

void session::remove(variants::iterator i, ec code, const std::string& why, const std::string& stop_reason) {
  auto name = i->first;
  auto v = std::move(i->second);
  variants_.erase(i);
  if (v.attempt)
    effects_.stop(v.attempt, stop_reason);
  for (auto& w : v.waiting)
    effects_.refuse(w.id, code == ec::none ? ec::stopping : code, why);
  effects_.close_output(name, why);
}

void session::fail_everything(ec code, const std::string& why) {
  if (!why.empty())
    reason_ = why;
  while (!variants_.empty())
    remove(variants_.begin(), code, why, {});
  if (ingest_ && ingest_->attempt)
    effects_.stop(ingest_->attempt, {});
  ingest_.reset();
}

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
    result.url = redacted(channel_.urls[ingest_->url]);
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
