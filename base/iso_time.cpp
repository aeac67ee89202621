#include "base/iso_time.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace troupe::base {

std::string iso_time(int64_t unix_ms) {
  auto whole = static_cast<std::time_t>(unix_ms / 1000);
  std::tm t{};
  gmtime_r(&whole, &t);
  std::array<char, 64> text{};
  auto n = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900,
                         t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, static_cast<int>(unix_ms % 1000));
  return {text.data(), static_cast<size_t>(n)};
}

} // namespace troupe::base
