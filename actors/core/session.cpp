#include "actors/core/session.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

session::session(session_config config, session_id id, channel source, session_effects& effects, time_point,
                 int64_t unix_ms)
  : config_(std::move(config)),
    id_(id),
    channel_(std::move(source)),
    effects_(effects),
    started_at_ms_(unix_ms),
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
  for (auto& name : variant_names()) {
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
  for (auto& name : variant_names()) {
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
  for (auto& name : variant_names())
    if (auto i = variants_.find(name); i != variants_.end() && i->second.state == phase::waiting)
      begin(i->second, now);
}

std::vector<std::string> session::variant_names() const {
  std::vector<std::string> result;
  for (auto& [name, v] : variants_)
    result.push_back(name);
  return result;
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
    work.spans.assign(source_->tracks.size(), window{v.delivered_pts + 1});
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
  v.cursor =
    v.delivered_pts == no_timestamp ? buffer_.join_point() : buffer_.join_point_before(v.delivered_pts - preroll_ticks);
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

} // namespace troupe::core
