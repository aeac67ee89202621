#include "core/library/hours.hpp"

#include <algorithm>

namespace troupe::core {

using namespace std::chrono_literals;

std::chrono::seconds zone_rules::east_at(int64_t at_s) const noexcept {
  auto next = std::ranges::upper_bound(changes, at_s, {}, &change::from_s);
  return next == changes.begin() ? before : std::prev(next)->east;
}

bool work_hours::are_always() const noexcept {
  return std::ranges::all_of(days, [](const auto& x) { return x.empty(); });
}

bool work_hours::is_valid() const noexcept {
  auto is_good = [](const day_span& x) { return x.from >= 0min && x.from < x.to && x.to <= 24h; };
  return std::ranges::all_of(
    days, [&](const auto& day) { return day.size() <= day_spans_max && std::ranges::all_of(day, is_good); });
}

bool is_within(const work_hours& x, int64_t now_ms) noexcept {
  if (x.are_always())
    return true;
  using namespace std::chrono;
  auto utc = floor<seconds>(sys_time<milliseconds>{milliseconds{now_ms}});
  auto local = utc + x.zone.east_at(utc.time_since_epoch().count());
  auto midnight = floor<days>(local);
  auto minute = floor<minutes>(local - midnight);
  auto day = weekday{midnight}.iso_encoding() - 1; // Monday is 1
  return std::ranges::any_of(x.days[day], [minute](const day_span& y) { return y.from <= minute && minute < y.to; });
}

} // namespace troupe::core
