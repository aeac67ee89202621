// How many sessions a GPU may hold, by its model and driver: a table. It is what holds without an operator's word, so each row has its source.
#pragma once

#include "messages/gpu.hpp"

#include <string>
#include <string_view>

namespace troupe::core {

/// Over what a limit is counted.
enum class limit_scope : uint8_t {
  gpu,    ///< this card
  machine ///< all cards of this kind on the machine together
};

struct gpu_limits {
  session_limit encode;
  session_limit decode = session_limit::unlimited();
  limit_scope encode_scope = limit_scope::gpu;
  std::string why; ///< one sentence for people: which rule gave these
};

/// The table's row for a card: vendor, model and driver decide. A card that the table does not know gets a careful guess, which `why` calls one.
gpu_limits limits_from_table(const gpu_description& card);

/// The number before the first dot of a version, 0 where there is none: 550 of "550.54.14".
uint32_t major_version(std::string_view driver);

} // namespace troupe::core
