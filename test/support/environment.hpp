// What whoever runs the tests asks for in environment variables: longer ones, other seeds.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace troupe::test {

/// The whole number in the variable `name`; `otherwise` where it is not set.
inline uint32_t from_environment(const char* name, uint32_t otherwise) {
  auto* text = std::getenv(name);
  return text != nullptr ? static_cast<uint32_t>(std::strtoul(text, nullptr, 10)) : otherwise;
}

/// TROUPE_LONG=1: a test takes all the time that its claim deserves.
inline bool is_long() {
  auto* wanted = std::getenv("TROUPE_LONG");
  return wanted != nullptr && std::string_view{wanted} == "1";
}

} // namespace troupe::test
