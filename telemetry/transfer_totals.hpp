// Counters per worker that outlive its tasks.
//
// Snapshots show the work of running tasks only, so the sum falls when a task ends. A Prometheus counter must not fall.
// So this class adds up each task's growth between two snapshots, and keeps the latencies that viewers saw for
// quantiles. It is a plain class, owned by what serves `/metrics`.
#pragma once

#include "messages/daemon.hpp"
#include "messages/status.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace troupe::telemetry {

/// The work of a task between the last snapshot and its end is not counted, so call `observe` each second, or at least
/// at each scrape. Knows only the workers and tasks of the last snapshot. Not thread-safe: one owner.
class transfer_totals {
public:
  struct totals {
    uint64_t samples_in = 0;
    uint64_t samples_out = 0;
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t latency_count = 0;
    double latency_sum_s = 0;
    std::deque<double> latencies_s; ///< the latest, at most `latencies_max`

    /// The latency that the given share (0 to 1) of recent ones does not exceed, by nearest rank; 0 if there are none.
    double latency_quantile_s(double share) const;
  };

  static constexpr size_t latencies_max = 1024;

  /// Adds a snapshot. A latency is the lag of a variant that a worker is transcoding (`variant_status::lag_ms`).
  void observe(const std::vector<daemon_status>& daemons, const std::vector<session_status>& sessions);

  /// The totals of a worker; zeros if it is unknown. Valid until the next call.
  const totals& of(worker_id worker) const;

private:
  struct entry {
    totals sum;
    std::map<task_id, work_statistics> tasks;
  };

  void observe_latencies(const std::vector<daemon_status>& daemons, const std::vector<session_status>& sessions);

  std::map<worker_id, entry> workers_;
};

} // namespace troupe::telemetry
