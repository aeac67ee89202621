// The header explains the idea. All bounds protect against wild times of a source: times are clamped before they are
// added.
#include "encoder/source/timeline.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstdlib>

namespace troupe::av {

namespace {

constexpr size_t epochs_max = 8;
constexpr size_t reorder_max = 16;              // the largest decoded picture buffer of H.264 and HEVC
constexpr int64_t ticks_max = int64_t{1} << 56; // 25 000 years: sums of a few such values stay in range
constexpr int64_t jitter_max = 90'000 / 100;    // audio times that are off by less are jitter, whatever the container

int64_t clamp_ticks(int64_t x) {
  return x == no_pts ? no_pts : std::clamp(x, -ticks_max, ticks_max);
}

int64_t samples_to_ticks(int64_t samples, int rate) {
  return av_rescale_rnd(samples, time_base.den, rate, AV_ROUND_NEAR_INF);
}

/// The ticks of one frame; 0 if the rate is unknown or absurd.
int64_t frame_ticks(AVRational rate) {
  if (rate.num <= 0 || rate.den <= 0)
    return 0;
  auto result = av_rescale(time_base.den, rate.den, rate.num);
  return result > 0 && result <= 60 * time_base.den ? result : 0;
}

} // namespace

size_t timeline::add_track(const timeline_track& x) {
  auto& track = tracks_.emplace_back();
  track.config = x;
  track.config.reorder_frames = std::clamp(x.reorder_frames, 0, static_cast<int>(reorder_max));
  track.frame_ticks = x.audio ? 0 : frame_ticks(x.frame_rate);
  return tracks_.size() - 1;
}

int64_t timeline::map(int64_t raw, int64_t shift, int64_t wrap, int64_t near) {
  auto at = raw + shift;
  if (wrap <= 0)
    return at;
  auto distance = near - at;
  auto half = wrap / 2;
  auto turns = distance >= 0 ? (distance + half) / wrap : -((-distance + half) / wrap);
  return at + turns * wrap;
}

timeline::epoch* timeline::find(uint64_t id) {
  auto i = std::find_if(epochs_.begin(), epochs_.end(), [id](const epoch& x) { return x.id == id; });
  return i == epochs_.end() ? nullptr : &*i;
}

timeline::epoch& timeline::open_epoch(const track_state& track, int64_t raw, int64_t expected) {
  ++jumps_;
  if (epochs_.size() == epochs_max) {
    auto unused = [this](const epoch& x) {
      return std::none_of(tracks_.begin(), tracks_.end(),
                          [&x](const track_state& t) { return t.started && t.epoch == x.id; });
    };
    auto i = std::find_if(epochs_.begin(), epochs_.end(), unused);
    epochs_.erase(i == epochs_.end() ? epochs_.begin() : i);
  }
  auto shift = expected - raw;
  if (auto wrap = track.config.wrap; wrap > 0)
    shift %= wrap;
  return epochs_.emplace_back(epoch{next_epoch_++, shift, expected});
}

/// Where the track resumes after a break: at its own end, or at the source's position if its silence is longer than its
/// usual lag.
int64_t timeline::due(const track_state& track, int64_t expected) const {
  auto usual = position_ - track.lag;
  return !track.fresh && usual - expected > limits_.step_back ? usual : expected;
}

/// The epoch for a track's first packet, which has no history: the one that puts it near the other tracks.
timeline::epoch& timeline::choose_first(const track_state& track, int64_t raw, int64_t expected) {
  if (!any_)
    return epochs_.back();
  for (auto spread : {limits_.interleave, std::max(limits_.start_spread, limits_.jump)})
    for (auto i = epochs_.rbegin(); i != epochs_.rend(); ++i)
      if (std::abs(map(raw, i->shift, track.config.wrap, expected) - expected) <= spread)
        return *i;
  return open_epoch(track, raw, expected);
}

timeline::epoch& timeline::choose(const track_state& track, int64_t raw, int64_t expected, int64_t slack) {
  auto* own = find(track.epoch);
  auto from = due(track, expected);
  auto off = [&](const epoch& x, int64_t near) { return map(raw, x.shift, track.config.wrap, near) - near; };
  // The epoch that explains the time best, if it explains it well enough.
  epoch* best = nullptr;
  int64_t least = limits_.interleave + 1;
  for (auto& x : epochs_) {
    auto error = off(x, from);
    if (&x == own) {
      // The track may resume at its end even if others are far ahead, because their packets came first.
      if (auto late = off(x, expected); std::abs(late) < std::abs(error))
        error = late;
      if (error < -limits_.step_back - slack && off(x, expected) < 0)
        continue;
    } else if (position_ - x.last_used > limits_.jump) {
      continue;
    }
    if (std::abs(error) < least) {
      least = std::abs(error);
      best = &x;
    }
  }
  if (best != nullptr) {
    // If tracks overlap at the joint, every track of the new epoch is moved by the same amount.
    auto over = best == own ? 0 : off(*best, from) + from - expected;
    if (over < -slack)
      best->shift -= over;
    return *best;
  }
  // The step is a gap, unless it is so wide that only another track's position makes it credible.
  if (own != nullptr) {
    auto error = off(*own, expected);
    auto apart = std::abs(expected + error - position_);
    if (error > 0
        && (error <= limits_.jump || apart <= limits_.interleave
            || (from != expected && off(*own, from) > 0 && off(*own, from) <= limits_.jump)))
      return *own;
  }
  return open_epoch(track, raw, from);
}

void timeline::change_track(size_t index, const timeline_track& x) {
  assert(index < tracks_.size());
  auto& track = tracks_[index];
  track.config = x;
  track.config.reorder_frames = std::clamp(x.reorder_frames, 0, static_cast<int>(reorder_max));
  track.frame_ticks = x.audio ? 0 : frame_ticks(x.frame_rate);
  track.broken = track.started;
  track.anchored = false;
  track.ordered = false;
  track.order.clear();
}

/// True for a picture that is decoded next, but presented before the earliest shown picture.
bool timeline::is_before_shown(const track_state& track, const source_times& x) {
  const auto* own = find(track.epoch);
  if (own == nullptr || x.pts == no_pts || x.dts == no_pts)
    return false;
  auto at = [&](int64_t raw) { return map(clamp_ticks(raw), own->shift, track.config.wrap, track.next_dts); };
  return at(x.dts) > track.last_dts && at(x.pts) < track.shown_from;
}

std::optional<placement> timeline::place(size_t index, const source_times& given) {
  assert(index < tracks_.size());
  auto& track = tracks_[index];
  // Between two edits, a container repeats times for packets that both edits hide: only their order is kept.
  if (given.hidden && track.shown_from != no_pts && !is_before_shown(track, given)) {
    ++track.last_dts;
    return placement{track.last_dts, track.last_dts, 0, false};
  }
  auto x = given;
  x.pts = clamp_ticks(x.pts);
  x.dts = clamp_ticks(x.dts);
  x.duration = std::clamp<int64_t>(x.duration, 0, 3600 * int64_t{time_base.den});
  if (x.picture_order)
    x.picture_order = std::clamp<int64_t>(*x.picture_order, INT32_MIN, INT32_MAX);
  auto step = track.frame_ticks;
  auto lead = track.config.audio ? 0 : track.config.reorder_frames * step;
  if (track.config.order_times && x.pts == no_pts && x.dts != no_pts)
    x.dts -= lead;
  auto raw = x.dts != no_pts ? x.dts : x.pts;
  placement result;
  if (raw == no_pts) {
    if (track.fresh && (track.config.audio || step == 0))
      return std::nullopt;
    result.dts = track.fresh ? (any_ ? pass_end_ : 0) - lead : track.next_dts;
  } else {
    // A presentation time stands in for a decoding time that is earlier by the reordering.
    auto ahead = x.dts == no_pts ? lead : 0;
    auto expected = (track.fresh ? (pass_any_ ? position_ : pass_end_) : track.next_dts) + ahead;
    auto slack = 2 * ahead;
    auto& at = track.fresh ? choose_first(track, raw, expected) : choose(track, raw, expected, slack);
    auto wrap = track.config.wrap;
    auto near = !any_ ? raw : expected;
    if (x.dts != no_pts)
      result.dts = map(x.dts, at.shift, wrap, near);
    if (x.pts != no_pts)
      result.pts = map(x.pts, at.shift, wrap, result.dts != no_pts ? result.dts : near);
    track.broken = track.broken || (track.started && track.epoch != at.id);
    result.discontinuity = track.broken;
    track.epoch = at.id;
    at.last_used = std::max(at.last_used, result.dts != no_pts ? result.dts : result.pts);
  }
  if (result.discontinuity) {
    track.anchored = false;
    track.ordered = false;
    track.order.clear();
  }
  if (track.config.audio) {
    auto at = result.pts != no_pts ? result.pts : result.dts;
    auto placed = place_audio(track, at, x, result);
    if (!placed)
      return std::nullopt;
    result = *placed;
  } else {
    result = place_video(track, x, result);
  }
  if (!track.fresh && !result.discontinuity)
    track.lag = std::max(track.lag, std::min(position_ - result.dts, limits_.interleave));
  track.broken = false;
  track.fresh = false;
  track.started = true;
  track.last_dts = result.dts;
  position_ = any_ ? std::max(position_, result.dts) : result.dts;
  any_ = true;
  if (given.hidden)
    return result;
  track.shown_from = track.shown_from == no_pts ? result.pts : std::min(track.shown_from, result.pts);
  auto end = result.pts + result.duration;
  pass_start_ = pass_any_ ? std::min(pass_start_, result.pts) : result.pts;
  pass_end_ = pass_any_ ? std::max(pass_end_, end) : end;
  pass_any_ = true;
  return result;
}

std::optional<placement> timeline::place_audio(track_state& track, int64_t at, const source_times& x,
                                               placement result) {
  auto rate = track.config.sample_rate;
  auto samples = rate > 0 ? std::clamp<int64_t>(x.samples, 0, 10 * int64_t{rate}) : 0;
  auto pts = at;
  auto duration = x.duration;
  if (samples > 0) {
    auto predicted = track.anchor + samples_to_ticks(track.samples, rate);
    auto tolerance = std::max(track.config.rounding + 1, std::min(samples_to_ticks(samples, rate) / 2, jitter_max));
    // Without a duration a first packet does not advance the clock, and libavformat gives the second one the same time.
    auto repeats = track.anchored && track.unsure == at;
    if (!track.anchored || (std::abs(at - predicted) > tolerance && !repeats)) {
      if (track.started && at <= track.last_dts)
        return std::nullopt;
      track.anchored = true;
      track.anchor = at;
      track.samples = 0;
      track.unsure = track.started || x.duration > 0 ? no_pts : at;
    } else {
      track.unsure = no_pts;
    }
    pts = track.anchor + samples_to_ticks(track.samples, rate);
    track.samples += samples;
    duration = track.anchor + samples_to_ticks(track.samples, rate) - pts;
  } else {
    track.anchored = false;
  }
  if (track.started && pts <= track.last_dts)
    return std::nullopt;
  result.pts = result.dts = pts;
  result.duration = duration;
  track.next_dts = pts + std::max<int64_t>(duration, 1);
  return result;
}

/// The presentation time of a frame without one in the container, from its picture order if that is known.
int64_t timeline::presentation_from_order(const track_state& track, const source_times& x, int64_t dts) const {
  auto step = track.frame_ticks;
  if (!x.picture_order || step == 0)
    return dts + track.config.reorder_frames * step;
  if (!track.ordered || x.picture_order_reset)
    return track.ordered ? track.max_end : dts + track.config.reorder_frames * step;
  auto distance = std::clamp<int64_t>(*x.picture_order - track.order_reference, -1'000'000, 1'000'000);
  auto frame = track.config.frame_rate;
  if (frame_ticks(frame) == step)
    return track.order_reference_pts
           + av_rescale_rnd(distance * frame.den, time_base.den, int64_t{frame.num} * track.config.picture_order_step,
                            AV_ROUND_NEAR_INF);
  return track.order_reference_pts + distance * step / track.config.picture_order_step;
}

/// The decoding time of a frame that has none: with n frames of reordering, the n-th latest presentation time so far.
int64_t timeline::decoding_from_order(track_state& track, int64_t pts) const {
  auto& order = track.order;
  auto depth = static_cast<size_t>(track.config.reorder_frames);
  if (order.empty())
    for (auto i = depth; i > 0; --i)
      order.push_back(pts - static_cast<int64_t>(i) * std::max<int64_t>(track.frame_ticks, 1));
  order.insert(std::upper_bound(order.begin(), order.end(), pts), pts);
  auto result = order.front();
  order.erase(order.begin());
  return result;
}

placement timeline::place_video(track_state& track, const source_times& x, placement result) {
  auto had_dts = result.dts != no_pts;
  // A decoding time after presentation is a container's guess; the order of the frames is more reliable.
  if (had_dts && result.pts != no_pts && result.pts < result.dts)
    had_dts = false;
  if (result.pts == no_pts)
    result.pts = std::max(presentation_from_order(track, x, result.dts), result.dts);
  auto generated = decoding_from_order(track, result.pts);
  if (!had_dts)
    result.dts = std::min(generated, result.pts);
  if (track.started && result.dts <= track.last_dts)
    result.dts = track.last_dts + 1;
  if (limits_.keep_presentation && x.pts != no_pts) {
    result.dts = std::min(result.dts, result.pts);
  } else if (result.pts < result.dts) {
    // The frames are reordered more than announced: decode earlier from here on.
    if (static_cast<size_t>(track.config.reorder_frames) < reorder_max) {
      ++track.config.reorder_frames;
      track.order.insert(track.order.begin(), result.pts - std::max<int64_t>(track.frame_ticks, 1));
    }
    result.pts = result.dts;
  }
  if (x.duration > 0)
    track.frame_ticks = x.duration;
  else if (track.frame_ticks == 0 && track.started && !track.fresh)
    track.frame_ticks = std::min<int64_t>(result.dts - track.last_dts, time_base.den);
  result.duration = track.frame_ticks;
  track.next_dts = result.dts + std::max<int64_t>(track.frame_ticks, 1);
  if (x.picture_order) {
    track.ordered = true;
    track.order_reference = *x.picture_order;
    track.order_reference_pts = result.pts;
  }
  auto end = result.pts + result.duration;
  track.max_end = track.started ? std::max(track.max_end, end) : end;
  return result;
}

void timeline::begin_near(int64_t ticks) {
  assert(!any_);
  any_ = pass_any_ = true;
  position_ = pass_start_ = pass_end_ = clamp_ticks(ticks);
}

void timeline::restart() {
  if (!pass_any_)
    return;
  pass_shift_ += pass_end_ - pass_start_;
  epochs_.clear();
  epochs_.push_back(epoch{next_epoch_++, pass_shift_, pass_end_});
  position_ = pass_end_;
  pass_any_ = false;
  for (auto& track : tracks_) {
    track.fresh = true;
    track.anchored = false;
    track.ordered = false;
    track.order.clear();
  }
}

} // namespace troupe::av
