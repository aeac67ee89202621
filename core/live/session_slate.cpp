// The slate: what transcoded renditions show while the source is away.
//
// The source buffer itself says that the source has nothing up to a time, which advances with the wall clock. So a
// transcoder's output remains a function of its window and of the source's blocks, and a failover during an outage
// makes the same pictures again. The source returns at a random-access point, which is placed where the time has come
// to. From the last samples on, the timeline has neither a hole nor an overlap.
#include "core/live/session.hpp"

#include <algorithm>
#include <cassert>

namespace troupe::core {

namespace {

/// How often the time of a source that is away advances.
constexpr milliseconds slate_step{200};

/// A rendition that begins while the source is away begins this much earlier (ticks), so that its first client can
/// start at once, and not so much that its encoder has to catch up.
constexpr int64_t slate_lead = 4 * ticks_per_second;

/// True if silence can be put between the track's own packets: see encoder/codec/silent_packet.hpp.
bool can_be_silent(const track_format& x) {
  constexpr int32_t low_complexity = 1;
  constexpr int32_t unknown = -99;
  return x.codec == "mp2" || x.codec == "ac3" || x.codec == "eac3"
         || (x.codec == "aac" && (x.codec_profile == low_complexity || x.codec_profile == unknown));
}

} // namespace

/// Renditions show it if each of their tracks can be filled. A copied picture cannot.
bool session::has_slate(const variant& v) const noexcept {
  if (slate_ == slate_kind::none || !v.begun || v.plan.passthrough())
    return false;
  for (size_t i = 0; i < std::min(v.plan.actions.size(), source_->tracks.size()); ++i)
    if (v.plan.actions[i] == track_action::copy && !can_be_silent(source_->tracks[i]))
      return false;
  return true;
}

bool session::shows_slate() const noexcept {
  return away_since_
         && std::any_of(variants_.begin(), variants_.end(), [this](auto& x) { return has_slate(x.second); });
}

void session::tick_slate(time_point now) {
  auto& in = *ingest_;
  if (away_since_) {
    advance_slate(now, slate_step);
    return;
  }
  auto wanted = std::any_of(variants_.begin(), variants_.end(),
                            [this](auto& x) { return has_slate(x.second) && !x.second.outdated; });
  auto connected = in.id && in.state == attempt::phase::running && !in.lost_since;
  if (!wanted || source_end_ == no_timestamp || !rhythm_.is_away(connected, now))
    return;
  away_since_ = now;
  ++outages_;
  rhythm_.leave();
  await_random_access_ = true;
  advance_slate(now, slate_step);
}

/// Tells the transcoders how far the source's absence goes by now, if it is at least `step` further.
void session::advance_slate(time_point now, milliseconds step) {
  auto to = rhythm_.time(now);
  if (to - source_end_ < std::max<int64_t>(ticks_of(step), 1))
    return;
  source_end_ = source_dts_ = to;
  newest_pts_ = std::max(newest_pts_, to);
  forget_before();
  auto number = buffer_.fill(static_cast<uint16_t>(leading_track(*source_)), to);
  // The block has grown: who has sent it already sends it again.
  for (auto& [name, v] : variants_)
    for (auto* a : {&v.current, &v.next})
      if (*a && (*a)->in->cursor && *(*a)->in->cursor > number)
        (*a)->in->cursor = number;
  for (auto& name : variant_names()) {
    auto i = variants_.find(name);
    if (i == variants_.end())
      continue;
    auto& v = i->second;
    if (v.change_at) {
      release_tail(v, false, now);
      flush(v, now);
    }
    pump(v, now);
  }
}

/// The source is back with this block, a random-access point: it continues where the time is now.
void session::end_slate(const sample_block& x, time_point now) {
  assert(away_since_ && lift_ && x.starts_with_random_access());
  advance_slate(now, milliseconds{0});
  away_since_.reset();
  if (before_)
    before_->newest = source_end_;
  // What the source announced for a time after its return comes as much later as the source itself.
  auto returned_at = x.samples.front().dts + *lift_;
  auto later = source_end_ - returned_at;
  for (auto& announced : aside_)
    if (announced.what.pts >= returned_at)
      announced.what.pts += later;
  *lift_ += later;
}

/// The tracks of the source are known for the first time. If a killed session is to be continued, the source counts as
/// away since then: renditions begin where their clients' media end, with the slate.
void session::continue_before(time_point now) {
  auto reached = before_ ? before_->reached(wall_time(now)) : std::nullopt;
  if (!reached) {
    before_.reset();
    return;
  }
  before_->newest = *reached;
  clock_ = before_->clock;
  lift_ = 0;
  source_end_ = source_dts_ = newest_pts_ = before_->delivered;
  away_since_ = now;
  ++outages_;
  await_random_access_ = true;
  rhythm_.heard(*reached, now);
  rhythm_.leave();
  advance_slate(now, milliseconds{0});
}

/// A rendition that is wanted later begins as usual, or its encoder would have much to catch up with.
void session::forget_before() {
  auto patience = away_since_ ? ticks_of(continued_within) : slate_lead;
  if (before_ && source_end_ > before_->newest + patience)
    before_.reset();
}

/// Where a rendition begins that shows the slate to its first clients (ticks).
int64_t session::slate_begin(const variant& v) const {
  if (!before_)
    return source_end_ - slate_lead;
  // What its clients have of the last group of pictures comes again, with its other half.
  auto group = std::max<int64_t>(ticks_of(v.target.video.keyframe_interval), 1);
  return before_->delivered / group * group;
}

std::optional<continuation> session::to_continue(time_point now) const {
  if (!clock_)
    return std::nullopt;
  auto nothing = std::numeric_limits<int64_t>::max();
  continuation result{*clock_, nothing, rhythm_.time(now), wall_time(now)};
  for (auto& [name, v] : variants_)
    if (v.flowing && !v.plan.passthrough())
      for (size_t i = 0; i < v.ends.size(); ++i)
        if (i < v.output.tracks.size() && v.output.tracks[i].kind != track_kind::subtitle)
          result.delivered = std::min(result.delivered, v.ends[i].pts);
  if (result.delivered == nothing || result.delivered == no_timestamp)
    return std::nullopt;
  return result;
}

slate session::still() const {
  slate result;
  result.kind = slate_;
  if (slate_ == slate_kind::image)
    result.image = config_.slate_image;
  if (slate_ == slate_kind::bars) {
    result.title = channel_.title.empty() ? channel_.name : channel_.title;
    auto at = clock_.value_or(clock_map{0, started_at_ms_});
    result.unix_ms = at.unix_ms - at.pts * 1000 / ticks_per_second;
  }
  return result;
}

} // namespace troupe::core
