// Faults at random moments, one after the other, while clients watch; and what the clients make of them.
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

/// Throws `std::invalid_argument` for a name that is none.
fault fault_of(const std::string& name);

struct trial_options {
  fault kind = fault::kill;
  int runs = 20;
  uint64_t seed = 1;
  rendition_rate rate;
  double source_seconds = 0;                   ///< a source that lasts no longer
  std::chrono::milliseconds wait_max{1'700};   ///< the moment of a fault is random within so much
  int runs_a_viewing = 1'000;                  ///< so many, and the clients leave and come again
  std::chrono::milliseconds slow_time{25'000}; ///< a task that is slowed down must be left for another within so much
  std::chrono::milliseconds away{5'000};       ///< how long all workers are gone
  std::function<void(int)> before_fault{}; ///< called with the number of the run, from 0 on, while the stream is steady
};

/// How much of a source must be left for a run to begin: more than its limits of time let it last.
inline constexpr std::chrono::seconds run_reserve{45};

struct trial_result {
  int runs = 0;
  int unrecovered = 0;                                 ///< runs after which the stream did not go on in time
  std::vector<double> gaps_ms;                         ///< of each run: the longest at any client
  std::vector<double> spacings_ms;                     ///< of pictures between the faults
  loss_account account;                                ///< of both clients
  uint64_t failovers = 0;                              ///< that the coordinator states
  std::map<std::string, uint64_t> failovers_by_reason; ///< the same by its metrics
  uint64_t stated_frames_lost = 0;                     ///< that the coordinator states, for each client
  std::string problem;                                 ///< what did not happen in time
};

class failover_trial {
public:
  failover_trial(failover_cluster& nodes, trial_options options);

  /// All runs. Does not throw for what the cluster does wrong.
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
