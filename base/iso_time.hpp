// Times of the clock as text.
#pragma once

#include <cstdint>
#include <string>

namespace troupe::base {

/// Milliseconds since 1970 by RFC 3339, in UTC: "2026-11-30T02:26:46.123Z".
std::string iso_time(int64_t unix_ms);

} // namespace troupe::base
