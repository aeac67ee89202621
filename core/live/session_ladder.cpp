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
  auto latest = buffer_.join_point_from(std::max(format_since_, buffer_.join_point().value_or(0)));
  auto ladder = ladders_.find(ladder_of(v.target.name));
  if (ladder == ladders_.end() || !latest)
    return latest;
  auto& [start, start_pts, failed] = ladder->second;
  v.joins = false;
  if (is_recent(ladder->second) && *start >= std::max(format_since_, buffer_.first()))
    return start;
  for (auto& [name, other] : variants_)
    if (other.flowing && ladder_of(name) == ladder->first) {
      v.joins = true;
      return latest;
    }
  start = latest;
  start_pts = buffer_.at(*latest).samples.front().pts;
  return start;
}

/// The other renditions of the ladder may still begin where the first one began.
bool session::is_recent(const ladder_place& x) const noexcept {
  return x.start && newest_pts_ - x.start_pts <= together_ticks;
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
