// What an operator may set for the placement of work, with the defaults. The table in config/ points its rows at these
// members.
#pragma once

#include "core/placement/gpu_limits.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace troupe::core {

using std::chrono::milliseconds;

/// If the value reaches `from`, a card takes no new work until the value is below `from - relief`.
struct gpu_guard {
  double from = 100;
  double relief = 0;

  bool operator==(const gpu_guard&) const = default;
};

/// The 90 % and 85 °C are those of the session tracking in the distributed transcoding design that this project started
/// from.
struct gpu_guards {
  gpu_guard encoder_percent{90, 10};
  gpu_guard memory_percent{90, 5};
  gpu_guard temperature_celsius{85, 5};

  bool operator==(const gpu_guards&) const = default;
};

struct gpu_tracker_config {
  gpu_guards guards;
  /// For this long, readings may lack a session that was opened, or still include one that was closed. At least as long
  /// as a worker may be silent.
  milliseconds settle_after{3000};
  milliseconds back_off{10'000}; ///< the first after a failure; doubled by each further failure
  milliseconds max_back_off{300'000};
  std::map<std::string, gpu_override> overrides; ///< by `gpu_key`; these override the workers' configuration

  bool operator==(const gpu_tracker_config&) const = default;
};

enum class ranking : uint8_t {
  least_loaded,     ///< share of slots in use, then load of the device
  round_robin,      ///< longest unused first
  capability_match, ///< the least capable first, so that versatile workers stay free for work that only they can do
  gpu_aware,        ///< share of the card's sessions in use, then of the worker's slots
  weighted          ///< `placement_weights`
};

/// Cost of a device: utilisation × alpha + temperature × beta + jobs × gamma, as in equation 20 of the design report
/// that this project started from.
struct placement_weights {
  double alpha = 1;   ///< for each percent of use: of the GPU's encoder, or of the processor
  double beta = 0.25; ///< for each °C; software has none
  double gamma = 10;  ///< for each encode session of a GPU, or slot in use for software

  bool operator==(const placement_weights&) const = default;
};

struct placement_config {
  ranking rank = ranking::least_loaded;
  placement_weights weights;
  size_t reasons_max = 32; ///< paths listed in an explanation

  bool operator==(const placement_config&) const = default;
};

struct placement_index_config {
  placement_config choose;
  gpu_tracker_config gpus;
  size_t waiting_max = 10'000;
  bool reasons = false; ///< keep the reasons for each placement; see `placement_index::reasons`

  bool operator==(const placement_index_config&) const = default;
};

} // namespace troupe::core
