#include "store/error.hpp"

#include <array>
#include <cstddef>

namespace troupe::store {

std::string_view to_string_view(error_kind kind) {
  constexpr std::array<std::string_view, 13> names{
    "busy",          "disk_full",  "io_failed",        "connection_lost", "not_found", "invalid_transition",
    "stale_attempt", "constraint", "invalid_argument", "not_a_store",     "too_new",   "in_use",
    "failed"};
  return names[static_cast<size_t>(kind)];
}

} // namespace troupe::store
