// How many sessions a GPU may hold, by its model and driver: a table. The operator's configuration overrides it. The
// tables in the .cpp file name their sources.
#pragma once

#include "messages/gpu.hpp"

#include <string>
#include <string_view>

namespace troupe::core {

/// The set of cards that share a limit.
enum class limit_scope : uint8_t {
  gpu,    ///< this card
  machine ///< all cards of this kind on the machine together
};

struct gpu_limits {
  session_limit encode;
  session_limit decode = session_limit::unlimited();
  limit_scope encode_scope = limit_scope::gpu;
  std::string why; ///< one human-readable sentence: which rule gave these limits
};

/// The table's limits for a card, chosen by vendor, model and driver. An unknown card gets a conservative guess, and
/// `why` says that it is a guess.
gpu_limits limits_from_table(const gpu_description& card);

/// The number before the first dot of a version, 0 if there is none: 550 of "550.54.14".
uint32_t major_version(std::string_view driver);

} // namespace troupe::core
