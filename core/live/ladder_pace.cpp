#include "core/live/ladder_pace.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace troupe::core {

namespace {

using namespace std::chrono_literals;

/// The least delay is that of this time. It has several groups of pictures, and is over soon after a failover.
constexpr auto remembered = 5s;

/// A rendition from which nothing came for this long has no delay: nobody waits for it.
constexpr auto present = 1s;

/// The most (ticks) that the fastest rendition waits.
constexpr int64_t held_max = ticks_per_second;

int64_t ticks_of_clock(ladder_pace::time_point x) {
  using ticks = std::chrono::duration<int64_t, std::ratio<1, ticks_per_second>>;
  return std::chrono::duration_cast<ticks>(x.time_since_epoch()).count();
}

} // namespace

void ladder_pace::add(const std::string& rendition, sample_block block, time_point now) {
  assert(!block.samples.empty());
  auto& x = renditions_[rendition];
  auto delay = ticks_of_clock(now) - block.samples.back().dts;
  while (!x.arrivals.empty() && x.arrivals.back().delay >= delay)
    x.arrivals.pop_back();
  x.arrivals.push_back({now, delay});
  x.waiting.push_back(std::move(block));
}

std::vector<ladder_pace::due_block> ladder_pace::due(time_point now) {
  auto least = std::numeric_limits<int64_t>::max();
  auto most = std::numeric_limits<int64_t>::min();
  for (auto& [name, x] : renditions_) {
    while (!x.arrivals.empty() && now - x.arrivals.front().at > remembered)
      x.arrivals.pop_front();
    if (x.arrivals.empty() || now - x.arrivals.back().at > present)
      continue;
    least = std::min(least, x.arrivals.front().delay);
    most = std::max(most, x.arrivals.front().delay);
  }
  std::vector<due_block> result;
  auto nobody = least > most;
  auto until = ticks_of_clock(now) - (nobody ? 0 : std::min(most, least + held_max));
  for (auto& [name, x] : renditions_)
    while (!x.waiting.empty() && (nobody || x.waiting.front().samples.back().dts <= until)) {
      result.push_back({name, std::move(x.waiting.front())});
      x.waiting.pop_front();
    }
  return result;
}

std::vector<sample_block> ladder_pace::take(const std::string& rendition) {
  auto node = renditions_.extract(rendition);
  if (node.empty())
    return {};
  auto& waiting = node.mapped().waiting;
  return {std::make_move_iterator(waiting.begin()), std::make_move_iterator(waiting.end())};
}

} // namespace troupe::core
