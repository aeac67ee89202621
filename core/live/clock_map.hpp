// What time of the clock a time of the timeline was: one map for all renditions of a channel session.
#pragma once

#include <cstdint>

namespace troupe::core {

struct clock_map {
  int64_t pts = 0;     ///< ticks
  int64_t unix_ms = 0; ///< of the same moment

  bool operator==(const clock_map&) const = default;
};

} // namespace troupe::core
