// One measurement of failovers, from a plan to its counts: makes the source, starts the cluster, injects the faults,
// and stops everything. For the command of caf-bench and for the tests.
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
  uint64_t seed = 1;                         ///< for the random moments
  std::chrono::milliseconds wait_max{1'700}; ///< a fault comes at a random moment within this time
  std::vector<std::string> settings;         ///< "key=value" for every node
  std::string capabilities;                  ///< file with the workers' tested codecs; empty for the build's own
  std::string folder;                        ///< existing folder for configuration, state and logs
  std::string media_folder;                  ///< existing folder where sources are kept and reused; empty for `folder`
  std::string more_profiles{};               ///< YAML of a further profile, indented by two blanks
  std::string worker_program{};              ///< caf-node if empty
  std::function<void(int)> before_fault{};   ///< see `trial_options`
};

/// Why faults of this kind are impossible here; empty if they are possible.
std::string failover_obstacle(fault kind);

/// Throws `std::runtime_error` or `std::invalid_argument` if nothing can be measured; faults of the cluster are in the
/// result.
trial_result measure_failover(const failover_plan& how);

} // namespace troupe::bench
