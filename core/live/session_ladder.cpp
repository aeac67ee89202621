// The renditions of a ladder: what they have in common.
#include "core/live/session.hpp"

#include <algorithm>

namespace troupe::core {

namespace {

/// How far back (ticks) a rendition begins in order to begin like the others of its ladder.
constexpr int64_t together_ticks = 4 * ticks_per_second;

} // namespace

/// The source block with which a rendition begins of which clients have nothing: the latest random-access point. In a
/// ladder it is the one with which the others began, if that was a moment ago: their first segments are then alike.
std::optional<uint64_t> session::fresh_start(variant& v) {
  auto latest = buffer_.join_point_from(std::max(v.tracks_since, buffer_.join_point().value_or(0)));
  auto ladder = ladders_.find(ladder_of(v.target.name));
  if (ladder == ladders_.end() || !latest)
    return latest;
  auto& place = ladder->second;
  v.joins = false;
  if (is_recent(place) && *place.start >= std::max(v.tracks_since, buffer_.first()))
    return place.start;
  v.joins = has_begun(ladder->first);
  if (v.joins)
    return latest;
  place.start = latest;
  place.start_pts = buffer_.at(*latest).samples.front().pts;
  place.with_slate = false;
  place.until = place.start_pts + together_ticks;
  return latest;
}

/// What a rendition covers of which clients have nothing. While the source is away, it shows the slate at once, in a
/// ladder from the same time on as the others. If a killed session is continued, so is the rendition. Empty for a fresh
/// start.
std::vector<window> session::first_spans(variant& v) {
  auto ladder = ladders_.find(ladder_of(v.target.name));
  auto* place = ladder == ladders_.end() ? nullptr : &ladder->second;
  auto together = place != nullptr && is_recent(*place);
  if (!((away_since_ || before_) && has_slate(v)) && !(together && place->with_slate))
    return {};
  auto from = together ? place->start_pts : slate_begin(v);
  std::vector<window> result(source_->tracks.size(), window{from});
  v.origin = {from, from};
  v.joins = place != nullptr && !together && has_begun(ladder->first);
  if (place != nullptr && !together && !v.joins) {
    place->start = feed_point(v, result);
    place->start_pts = from;
    place->with_slate = true;
    place->until = newest_pts_ + together_ticks;
  }
  return result;
}

/// Clients have something of a rendition of the ladder.
bool session::has_begun(std::string_view ladder) const {
  return std::any_of(variants_.begin(), variants_.end(),
                     [&](auto& x) { return x.second.flowing && ladder_of(x.first) == ladder; });
}

/// The other renditions of the ladder may still begin where the first one began.
bool session::is_recent(const ladder_place& x) const noexcept {
  return x.start && newest_pts_ <= x.until;
}

/// A rendition is over; `why` is empty for a regular end.
void session::forget_ladder(const std::string& name, const std::string& why) {
  auto ladder = ladders_.find(ladder_of(name));
  if (ladder == ladders_.end())
    return;
  if (!why.empty())
    ladder->second.failed[name] = why;
  auto of_it = [&](auto& x) { return ladder_of(x.first) == ladder->first; };
  if (std::none_of(variants_.begin(), variants_.end(), of_it))
    ladders_.erase(ladder);
}

} // namespace troupe::core
