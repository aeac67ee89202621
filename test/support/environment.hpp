// Settings of a test run from environment variables: longer tests, other seeds.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace troupe::test {

/// The whole number in the variable `name`; `otherwise` if it is not set.
inline uint32_t from_environment(const char* name, uint32_t otherwise) {
  auto* text = std::getenv(name);
  return text != nullptr ? static_cast<uint32_t>(std::strtoul(text, nullptr, 10)) : otherwise;
}

/// True with TROUPE_LONG=1: a test runs for longer, with more cases.
inline bool is_long() {
  auto* wanted = std::getenv("TROUPE_LONG");
  return wanted != nullptr && std::string_view{wanted} == "1";
}

} // namespace troupe::test
