// Wall-clock time, as used in all our messages, records and answers.
#pragma once

#include <chrono>
#include <cstdint>

namespace troupe {

/// Milliseconds since 1970 (UTC, without leap seconds). The system's clock may be set back: measure time spans with a
/// steady clock.
inline int64_t unix_ms() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

} // namespace troupe
