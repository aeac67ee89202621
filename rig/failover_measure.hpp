// One measurement of failovers from a plan to its counts: makes the source, starts the cluster, deals out the faults, and stops it all. For the
// command of caf-bench and for the tests.
#pragma once

#include "rig/failover_trial.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::bench {

struct failover_plan {
  fault kind = fault::kill;
  int runs = 20;
  std::string profile = "plain"; ///< plain, b-frames, half-rate, opus, copied-sound, or a built-in profile
  std::string source = "h264";   ///< h264, hevc-open-gop, mpeg2-interlaced or ac3
  int width = 640;               ///< pixels, of the source's pictures
  int height = 360;
  uint64_t seed = 1;                         ///< of the random moments
  std::chrono::milliseconds wait_max{1'700}; ///< the moment of a fault is random within so much
  std::vector<std::string> settings;         ///< "key=value" for every node
  std::string capabilities;                  ///< file that keeps what workers proved; empty for the build's own
  std::string folder;                        ///< that exists: for configuration, state and logs
  std::string media_folder;                ///< that exists: where sources are kept, and found again; empty for `folder`
  std::string more_profiles{};             ///< YAML of a further profile, two blanks deep
  std::string worker_program{};            ///< caf-node where it is empty
  std::function<void(int)> before_fault{}; ///< see `trial_options`
};

/// Why faults of that kind cannot be made here; empty where they can.
std::string failover_obstacle(fault kind);

/// Throws `std::runtime_error` or `std::invalid_argument` where nothing can be measured; what the cluster does wrong is in the result.
trial_result measure_failover(const failover_plan& how);

} // namespace troupe::bench
