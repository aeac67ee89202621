// The time of day as all messages, records and answers of ours tell it.
#pragma once

#include <chrono>
#include <cstdint>

namespace troupe {

/// Milliseconds since 1970 (UTC, without leap seconds). The system's clock may be set back: spans are measured with a steady one.
inline int64_t unix_ms() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

} // namespace troupe
