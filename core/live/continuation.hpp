// What a session needs to continue the timeline of one whose process was killed. Players that have media for the time
// in between then find what comes next, under the names that they expect.
#pragma once

#include "core/live/clock_map.hpp"
#include "core/live/config.hpp"

#include <cstdint>
#include <optional>

namespace troupe::core {

/// A killed session is continued for this long. Players seldom hold more media.
inline constexpr milliseconds continued_within{20'000};

struct continuation {
  clock_map clock;
  int64_t delivered = no_timestamp; ///< ticks: clients have all transcoded renditions up to here
  int64_t newest = no_timestamp;    ///< ticks: where the newest samples of the source ended
  int64_t unix_ms = 0;              ///< when that was

  bool operator==(const continuation&) const = default;

  /// Where the source is by now if it has gone on meanwhile (ticks). Empty if too much time has passed.
  std::optional<int64_t> reached(int64_t now_unix_ms) const noexcept {
    milliseconds since{now_unix_ms - unix_ms};
    auto behind = newest - delivered;
    if (delivered <= 0 || behind < 0 || behind > ticks_of(continued_within) || since.count() < 0
        || since > continued_within)
      return std::nullopt;
    return newest + ticks_of(since);
  }
};

} // namespace troupe::core
