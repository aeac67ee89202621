// What an operator may set for workers and leases, with the defaults. The table in config/ points its rows at these
// members.
#pragma once

#include "core/breaker.hpp"
#include "core/placement/config.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe::core {

struct worker_table_config {
  std::string version;                ///< that a registration must have
  milliseconds degraded_after{2000};  ///< time without a heartbeat
  milliseconds unhealthy_after{3000}; ///< time without a heartbeat
  milliseconds gone_after{6000};      ///< time without a heartbeat
  double degraded_pressure_percent = 50;
  uint32_t degraded_failures = 1; ///< inputs whose tasks died or hung within the breaker's window
  breaker_config breaker;
  milliseconds gone_kept_for{60'000}; ///< how long the API still lists a worker that is gone
  size_t workers_max = 10'000;

  bool operator==(const worker_table_config&) const = default;
};

struct lease_table_config {
  milliseconds selection_timeout{5000};
  milliseconds process_timeout{
    2000};                 ///< how long a chosen worker may take to provide a process before the next worker is tried
  uint32_t warm_tasks = 1; ///< processes that wait for work on each worker
  uint32_t warm_ingest_tasks = 1;   ///< the same on the coordinator
  size_t requests_max = 10'000;     ///< requests that may wait
  milliseconds move_interval{1000}; ///< between two requests to move the same lease
  /// How long a process may have no work and no lease before its host ends it. The time must be enough for a process to
  /// start and join, and for tasks of an earlier coordinator to end by themselves (`task.orphan_timeout`).
  milliseconds useless_timeout{15'000};
  milliseconds orphan_timeout{60'000}; ///< the same for a process that makes a chunk, which its job may still claim
  /// The number of the first lease. Successive tables with the same owners must count from different numbers: an owner
  /// may release a lease that it got from an earlier table.
  uint64_t first_lease = 1;
  milliseconds queue_timeout{60'000}; ///< how long a wish with the policy `queue` waits, unless it sets its own time
  /// How long a `replaceable` request waits while no worker has its encoder: such a worker may be on its way back.
  milliseconds encoder_timeout{60'000};
  placement_index_config places = {};

  bool operator==(const lease_table_config&) const = default;
};

} // namespace troupe::core
