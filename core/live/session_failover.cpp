// When an attempt is abandoned, and where the next one begins.
#include "core/live/session.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

namespace {

/// Attempts that end no further apart than this (ticks of the source) ended at the same place.
constexpr int64_t same_place = ticks_per_second / 2;

/// An attempt is fenced if it stalls for this many times its limit and no second attempt delivers.
constexpr int fence_after = 4;

/// Pause before the next try after a second attempt failed.
constexpr milliseconds next_after{1000};

/// The preroll in pictures if the picture rate is low; a picture counts as a second at most.
constexpr int64_t preroll_pictures = 10;

} // namespace

// -- where to begin ----------------------------------------------------------------

int64_t session::preroll_ticks() const noexcept {
  assert(source_);
  auto result = ticks_per_second;
  for (auto& t : source_->tracks)
    if (t.kind == track_kind::video && t.frame_rate.num > 0)
      result =
        std::max(result, std::min<int64_t>(preroll_pictures * ticks_per_second,
                                           preroll_pictures * ticks_per_second * t.frame_rate.den / t.frame_rate.num));
  return result;
}

bool session::is_kept(const variant& v, uint16_t track) const noexcept {
  return track < v.plan.actions.size() && track < source_->tracks.size() && v.plan.actions[track] != track_action::drop;
}

/// The windows that a new attempt must make: for each source track, everything after what clients have. Empty, for a
/// fresh start, if they have nothing.
std::vector<window> session::spans_after(const variant& v) const {
  assert(source_);
  if (!v.flowing)
    return {};
  std::vector<window> result(source_->tracks.size());
  size_t output = 0;
  for (size_t i = 0; i < result.size(); ++i) {
    if (!is_kept(v, static_cast<uint16_t>(i)))
      continue;
    auto end = output < v.ends.size() ? v.ends[output] : track_end{};
    ++output;
    auto time = v.plan.actions[i] == track_action::copy ? &track_end::dts : &track_end::pts;
    result[i].from_pts = end.*time == no_timestamp ? v.origin.*time : end.*time + 1;
  }
  return result;
}

/// The source block to feed from: the latest one at a random-access point that still feeds everything that the spans
/// need. The spans need all pictures and all audio of the preroll, including audio that is sent ahead of its pictures.
/// If too little is kept, returns the oldest random-access point.
std::optional<uint64_t> session::feed_point(const variant& v, const std::vector<window>& spans) const {
  auto from = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < spans.size(); ++i)
    if (is_kept(v, static_cast<uint16_t>(i)) && spans[i].from_pts != no_timestamp)
      from = std::min(from, spans[i].from_pts);
  from -= preroll_ticks();
  auto begin = std::max(buffer_.first(), v.tracks_since);
  auto result = buffer_.join_point_from(begin);
  if (begin < buffer_.end() && buffer_.at(begin).is_absence()
      && buffer_.at(begin).samples.front().pts > from + preroll_ticks())
    return begin; // what comes before the absence is no longer kept: the slate is black
  for (auto number = begin; number < buffer_.end(); ++number) {
    auto& block = buffer_.at(number);
    if (block.starts_with_random_access() && block.samples.front().pts <= from)
      result = number;
    for (auto& s : block.samples)
      if (is_kept(v, s.track) && source_->tracks[s.track].kind != track_kind::video && s.pts >= from)
        return result;
    if (block.samples.front().dts > from + preroll_ticks())
      break;
  }
  if (!result && away_since_)
    return buffer_.end() - 1; // the buffer no longer has a picture: the slate is black
  return result;
}

/// Counts a sample that no attempt will make any more, if the attempt should make it and clients already have part of
/// its track. Clients that have nothing begin where the attempt begins.
void session::count_missing(const variant& v, attempt& a, const sample& s) const {
  if (s.track >= a.spans.size() || !is_kept(v, s.track))
    return;
  auto kept = [&](track_action x) { return x != track_action::drop; };
  auto output = static_cast<size_t>(std::count_if(v.plan.actions.begin(), v.plan.actions.begin() + s.track, kept));
  auto time = v.plan.actions[s.track] == track_action::copy ? s.dts : s.pts;
  if (output >= v.ends.size() || v.ends[output].pts == no_timestamp || time < a.spans[s.track].from_pts)
    return;
  if (a.missing.size() <= output)
    a.missing.resize(output + 1);
  auto& missing = a.missing[output];
  ++(source_->tracks[s.track].kind == track_kind::video ? missing.pictures : missing.sound);
}

/// Counts the samples that the source sent before the block from which the attempt is fed.
void session::count_missing(const variant& v, attempt& a) const {
  if (a.spans.empty() || !a.in->cursor)
    return;
  for (auto& s : gone_)
    count_missing(v, a, s);
  for (auto number = buffer_.first(); number < *a.in->cursor; ++number)
    if (auto& block = buffer_.at(number); !block.is_absence())
      for (auto& s : block.samples)
        count_missing(v, a, s);
}

/// Counts the leading pictures of the random-access point at which the attempt began: they refer to pictures before it.
void session::count_leading(const variant& v, attempt& a, const sample_block& block) const {
  auto& begin = a.in->began_at;
  for (auto& s : block.samples)
    if (s.track == begin.track && s.pts < begin.pts && is_kept(v, s.track)
        && v.plan.actions[s.track] == track_action::encode)
      count_missing(v, a, s);
}

// -- when to leave -----------------------------------------------------------------

/// Called with each tick: looks for stalls and slowness, and requests a worker again if none was available.
void session::watch_over(variant& v, time_point now) {
  if (!v.flowing && !v.parked && v.waiting.empty())
    park(v); // the clients that wanted it are gone, and had received nothing
  if (v.parked)
    return;
  if (v.again_at ? now >= *v.again_at : !v.current && !v.next) {
    again(v, now);
    return;
  }
  if (v.change_at) {
    release_tail(v, false, now);
    flush(v, now);
  }
  if (v.next && v.next->running() && v.next->in->watch.stalled(now))
    drop_next(v, {"the second transcoder stalls as well", true}, now);
  if (!v.current || !v.current->running())
    return;
  auto& a = *v.current;
  if (!v.flowing && a.in->credit.sent() == 0 && now - a.since >= config_.unfed_after && all_run(*a.in)) {
    park(v);
    return;
  }
  auto in_vain = a.received == 0 && !v.flowing && now - a.since >= config_.first_output_timeout;
  if (in_vain && a.in->credit.acknowledged() > 0) {
    // It works, and so does its worker: the source is at fault.
    remove(v, ec::encode_failed,
           "the transcoder took the source of " + channel_.name + " for "
             + std::to_string(config_.first_output_timeout.count()) + " ms and made no output from it");
    return;
  }
  if (in_vain) {
    lose(v, a, failover_reason::stalled,
         {"the transcoder made no output for " + std::to_string(config_.first_output_timeout.count()) + " ms",
          a.in->watch.stalled(now)},
         false, now);
    return;
  }
  if (a.delivered && now - a.since >= config_.settled_after && !a.in->watch.stalled(now)) {
    v.avoid.clear();
    v.alone = false;
  }
  if (a.in->watch.stalled(now)) {
    auto long_ago = a.in->watch.silence(now) > a.in->watch.limit() * fence_after;
    if (long_ago || (v.next && v.next_for != variant::purpose::hedge)) {
      lose(v, a, failover_reason::stalled,
           {"the transcoder accepted no input for " + std::to_string(a.in->watch.silence(now).count()) + " ms", true},
           false, now);
    } else if (!v.next && now >= v.next_not_before) {
      a.in->alarmed = true;
      v.next_for = variant::purpose::hedge;
      request(v, v.next, false, now);
    }
    return;
  }
  if (!a.delivered || v.change_at || source_end_ == no_timestamp)
    return;
  if (away_since_ && !has_slate(v)) {
    v.slow_since.reset(); // it waits for the source, as it must
    return;
  }
  auto lag = source_end_ - v.newest_dts();
  v.least_lag = v.least_lag == no_timestamp ? lag : std::min(v.least_lag, lag);
  if (lag <= v.least_lag + config_.slow_lag.count() * 90) {
    v.slow_since.reset();
  } else if (!v.slow_since || lag < v.lag_then) {
    v.slow_since = now; // it has just become slow, or it is catching up
    v.lag_then = lag;
  } else if (now - *v.slow_since >= config_.slow_after && !v.next && now >= v.next_not_before && is_costliest(v, now)) {
    v.slow_since.reset();
    v.next_for = variant::purpose::faster;
    request(v, v.next, true, now);
  }
}

void session::move(lease_id lease, time_point now) {
  for (auto& [name, v] : variants_) {
    if (v.next && v.next->worker.id == lease && v.next->worker.worker) {
      drop_next(v, {}, now);
      v.next_not_before = now;
    }
    if (!v.current || v.current->worker.id != lease || !v.current->worker.worker || v.change_at)
      continue;
    if (v.next && v.next_for != variant::purpose::move)
      continue; // it is already being abandoned
    if (v.current->finishing)
      continue; // the attempt knows where it ends; its successor is requested when it has ended
    if (!v.next && v.current->delivered && now >= v.next_not_before) {
      v.next_for = variant::purpose::move;
      request(v, v.next, true, now);
    }
  }
}

/// The second attempt is no longer wanted, or has failed.
void session::drop_next(variant& v, const lease_end& how, time_point now) {
  if (!v.next)
    return;
  effects_.stop(v.next->id, how);
  if (!how.reason.empty()) {
    v.avoid_for_now(v.next->worker.worker);
    v.alone = true;
  }
  v.next.reset();
  v.next_not_before = now + next_after;
  if (v.change_at) {
    v.change_at.reset();
    release_tail(v, true, now);
  }
}

/// The next attempt becomes the current one.
void session::promote(variant& v) {
  assert(v.next);
  v.current = std::move(v.next);
  v.next.reset();
  v.change_at.reset();
  v.least_lag = no_timestamp;
  v.slow_since.reset();
}

/// Fences the current attempt in favour of the next one.
void session::change_over(variant& v, failover_reason kind, time_point now) {
  if (v.current) {
    lease_end how;
    if (kind == failover_reason::stalled)
      how = {"the transcoder accepted no input for " + std::to_string(v.current->in->watch.silence(now).count())
               + " ms",
             true};
    effects_.stop(v.current->id, how);
    v.avoid_for_now(v.current->worker.worker);
    for (auto& other : fed_by(*v.current->in))
      other.of->slow_since.reset(); // without this one they may catch up
  }
  if (!v.changing)
    v.changing = kind;
  promote(v);
}

/// How far an attempt was in the source: the first block that it has not taken, in DTS. Empty if it was never fed.
std::optional<int64_t> session::place_of(const attempt& a) const {
  if (a.in->credit.sent() == 0)
    return std::nullopt;
  assert(a.in->cursor);
  auto number = a.in->unanswered.empty() ? *a.in->cursor : a.in->unanswered.front();
  if (number < buffer_.first())
    return std::nullopt;
  return number < buffer_.end() ? buffer_.at(number).samples.front().dts : buffer_.newest_dts();
}

/// An attempt is gone, or is given up.
void session::lose(variant& v, attempt& a, failover_reason kind, const lease_end& how, bool terminal, time_point now) {
  auto& why = how.reason;
  if (v.next && &a == &*v.next) {
    drop_next(v, how, now);
    if (!v.current)
      again(v, now);
    return;
  }
  assert(v.current && &a == &*v.current);
  v.last_failure = why;
  if (terminal) {
    remove(v, ec::encode_failed, why); // bad media is not the worker's failure
    return;
  }
  auto place = place_of(a);
  if (place && v.died_at && std::abs(*place - *v.died_at) <= same_place)
    ++v.deaths;
  else
    v.deaths = 1;
  v.died_at = place;
  // Next time it shares no task if it may be what kills its tasks. Only a task of its own convicts a rendition.
  v.alone = v.alone || !place || v.deaths > 1 || v.deaths + 1 >= config_.quarantine_after;
  if (place && v.deaths >= config_.quarantine_after && !a.in->shared) {
    auto verdict = std::to_string(v.deaths) + " tasks in a row failed at the same place of " + channel_.name + "/"
                   + v.target.name + ": " + why;
    auto name = v.target.name;
    effects_.quarantine(name, verdict); // before its clients are disconnected, because they will ask again
    remove(v, ec::encode_failed, verdict, how);
    return;
  }
  if (!v.flowing && v.tries >= config_.attempts_max) {
    remove(v, ec::encode_failed, why, how);
    return;
  }
  effects_.stop(a.id, how);
  v.avoid_for_now(a.worker.worker);
  if (!v.changing && v.flowing)
    v.changing = kind;
  auto shared = a.in;
  replace_current(v, now);
  pump(shared, now); // others of its task may have waited for its start only
}

void session::device_refused(variant& v, attempt& a, const std::string& why, time_point now) {
  effects_.device_failed(a.id, why);
  if (v.next && &a == &*v.next) {
    drop_next(v, {}, now);
    if (!v.current)
      again(v, now);
    return;
  }
  v.last_failure = why;
  effects_.stop(a.id, {});
  // The device is now avoided, so the next try goes to another one. Such tries end, because the number of devices is
  // limited.
  v.tries -= v.tries > 0 ? 1 : 0;
  if (!v.changing && v.flowing)
    v.changing = failover_reason::failed;
  replace_current(v, now);
}

/// The current attempt is over: the planned next one takes its place, or another one is requested.
void session::replace_current(variant& v, time_point now) {
  assert(v.current);
  v.current.reset();
  v.least_lag = no_timestamp;
  v.slow_since.reset();
  if (v.next && v.next_for == variant::purpose::move)
    drop_next(v, {}, now); // it would begin too late; output that the lost attempt has flushed stays valid
  if (v.next) {
    promote(v);
    if (v.current->closed())
      deliver_held(v, *v.current, now);
    return;
  }
  again(v, now);
}

} // namespace troupe::core
