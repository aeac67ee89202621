// The hours in which a library works: for each weekday, in the time zone of its root.
//
// The zone is data: the moments at which its distance from UTC changes, as the tz database has them. So an hour that
// daylight saving time repeats counts twice, and one that it leaves out never comes.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

namespace troupe::core {

/// A time zone: its distance from UTC from each moment on.
struct zone_rules {
  struct change {
    int64_t from_s = 0; ///< seconds since 1970, UTC
    std::chrono::seconds east{0};
  };

  std::chrono::seconds before{0}; ///< until the first change
  std::vector<change> changes;    ///< in order

  std::chrono::seconds east_at(int64_t at_s) const noexcept;
};

/// `[from, to)` of a day, in minutes since midnight; `to` may be 24 h. Work over midnight takes two of them.
struct day_span {
  std::chrono::minutes from{0};
  std::chrono::minutes to{std::chrono::hours{24}};
};

/// The most spans of one day.
inline constexpr size_t day_spans_max = 24;

struct work_hours {
  /// From Monday on. All days empty: always.
  std::array<std::vector<day_span>, 7> days;
  zone_rules zone;

  bool are_always() const noexcept;
  /// True if every span lies within a day, is not empty, and no day has more than `day_spans_max`.
  bool is_valid() const noexcept;
};

/// True if work may begin at this time, in milliseconds since 1970.
bool is_within(const work_hours& x, int64_t now_ms) noexcept;

} // namespace troupe::core
