// Injects faults at random moments, one after the other, while clients watch, and collects what the clients see.
#pragma once

#include "rig/failover_client.hpp"
#include "rig/failover_cluster.hpp"
#include "rig/loss_account.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace troupe::bench {

enum class fault : uint8_t { none, kill, stop, worker, partition, slow, drain, all };

/// Throws `std::invalid_argument` for an unknown name.
fault fault_of(const std::string& name);

struct trial_options {
  fault kind = fault::kill;
  int runs = 20;
  uint64_t seed = 1;
  rendition_rate rate;
  double source_seconds = 0;                   ///< length of the source
  std::chrono::milliseconds wait_max{1'700};   ///< a fault comes at a random moment within this time
  int runs_a_viewing = 1'000;                  ///< after this many runs, the clients leave and reconnect
  std::chrono::milliseconds slow_time{25'000}; ///< a slowed task must be replaced by another within this time
  std::chrono::milliseconds away{5'000};       ///< how long all workers are gone
  std::function<void(int)> before_fault{}; ///< called with the number of the run, from 0, while the stream is steady
};

/// A run begins only if this much of the source is left: more than a run may last by its time limits.
inline constexpr std::chrono::seconds run_reserve{45};

struct trial_result {
  int runs = 0;
  int unrecovered = 0;                                 ///< runs after which the stream did not resume in time
  std::vector<double> gaps_ms;                         ///< for each run: the longest gap at any client
  std::vector<double> spacings_ms;                     ///< of pictures between the faults
  loss_account account;                                ///< of both clients
  uint64_t failovers = 0;                              ///< reported by the coordinator
  std::map<std::string, uint64_t> failovers_by_reason; ///< the same from its metrics
  uint64_t stated_frames_lost = 0;                     ///< reported by the coordinator, for each client
  std::string problem;                                 ///< the event that did not happen in time
};

class failover_trial {
public:
  failover_trial(failover_cluster& nodes, trial_options options);

  /// Runs all trials. Does not throw for faults of the cluster.
  trial_result run();

private:
  struct span_of_time {
    wall_clock::time_point steady;
    wall_clock::time_point from;
    wall_clock::time_point to;
  };

  void watch();
  span_of_time one_run();
  void make(const transcoding& victim);
  void mend(const transcoding& victim);
  void kill_all();
  void slow_down(const transcoding& victim) const;
  bool steady() const;
  int64_t newest() const;
  void leave(const std::vector<span_of_time>& runs);
  template <class Condition>
  void wait_until(const std::string& what, std::chrono::milliseconds limit, Condition holds) const;

  failover_cluster& nodes_;
  trial_options options_;
  std::mt19937_64 random_;
  int faults_ = 0;
  std::vector<std::unique_ptr<failover_client>> clients_;
  trial_result result_;
};

} // namespace troupe::bench
