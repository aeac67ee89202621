// Maps a channel session's timeline to wall-clock time, by one moment that is known on both. All renditions share one
// map.
#pragma once

#include <cstdint>

namespace troupe::core {

struct clock_map {
  int64_t pts = 0;     ///< ticks
  int64_t unix_ms = 0; ///< of the same moment

  bool operator==(const clock_map&) const = default;
};

} // namespace troupe::core
