// A simulated cluster of GPU workers for placement: jobs come and end, heartbeats arrive, machines leave and join.
#pragma once

#include "core/placement/placement_index.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace troupe::bench {

struct placement_figures {
  double placements_s = 0; ///< jobs placed in a second, while everything else goes on
  double p99_us = 0;       ///< of one request
  double waiting = 0;      ///< the most jobs that waited at one time
};

class placement_load : core::placement_effects {
public:
  /// Each worker has `gpus` GPUs. Equal seeds give equal runs.
  placement_load(size_t workers, size_t gpus, uint64_t seed);

  /// Fills the cluster to 60 % of its slots.
  void fill();

  /// Places jobs for `seconds` of wall time, or `jobs` of them if that is not 0; for each placed job another one ends.
  /// For every ten jobs one worker sends a heartbeat; for every thousand one worker dies with all its work and another
  /// joins.
  placement_figures run(double seconds, size_t jobs);

private:
  struct machine {
    worker_id id;
    std::vector<core::device_offer> devices;
  };

  void placed(uint64_t ticket, lease_id lease, const core::choice& at, const core::rung& on) override;
  void refused(uint64_t ticket, ec code, const std::string& why) override;

  void add_worker(size_t place);
  void replace_worker();
  void beat();
  void ask();
  void end_one();

  size_t gpus_;
  std::mt19937_64 random_;
  core::placement_index index_;
  std::vector<machine> machines_;
  std::vector<std::vector<core::rung>> wishes_;
  std::vector<lease_id> running_;
  core::time_point now_{std::chrono::seconds{1000}};
  uint64_t next_worker_ = 1;
  uint64_t next_lease_ = 1;
  uint64_t placed_ = 0;
};

} // namespace troupe::bench
