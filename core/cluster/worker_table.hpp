// The table of workers: registrations, health, slots, and why a worker takes no work. The `placement_index` chooses
// among the workers that take work.
//
// Events and `now` come in, answers go out; the registry actor translates. A worker is identified by an id that it
// draws at random at each start. Its name is for users, and at most one living worker has it.
//
// Tasks that fail affect their worker's health through its breaker (core/breaker.hpp). While the breaker is open, the
// worker is unhealthy. While it is half-open, the worker is degraded and takes one task at a time. A worker that starts
// or is resumed is healthy, with a closed breaker.
#pragma once

#include "core/breaker.hpp"
#include "core/cluster/config.hpp"
#include "core/placement/placement.hpp"
#include "messages/cluster.hpp"
#include "messages/daemon.hpp"
#include "messages/error.hpp"
#include "messages/status.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::core {

class worker_table {
public:
  explicit worker_table(worker_table_config config) : config_(std::move(config)) {}

  struct refusal {
    ec code = ec::refused;
    std::string reason;
  };

  // -- events ---------------------------------------------------------------

  /// Checks version and name. A name is refused while another worker id with the same name sends heartbeats. A
  /// second registration of the same id updates the entry (the connection was lost and came back).
  std::optional<refusal> add(const registration& x, time_point now, int64_t unix_ms);

  /// False for an unknown worker: it must register again.
  bool beat(const heartbeat& x, time_point now, int64_t unix_ms);

  /// The worker's connection is lost, or it was silent for `gone_after`.
  void lost(worker_id id, std::string reason, time_point now);

  /// Updates the workers' states for the time `now`. Returns the workers that this call declares gone.
  std::vector<worker_id> tick(time_point now);

  /// A worker that is resumed is also trusted again: its breaker closes.
  bool set_draining(worker_id id, bool draining);

  /// Forgets a worker.
  bool remove(worker_id id);

  // -- slots ----------------------------------------------------------------

  /// For each worker that is not gone: why it cannot take the request, human-readable. Empty if any worker can.
  std::string why_not(const lease_request& x) const;

  /// The same for workers that are not in the list yet, until it has `most` entries.
  void add_objections(const lease_request& x, std::vector<placement_candidate>& to, size_t most) const;

  /// The worker was chosen for the lease.
  void take_slot(worker_id id, lease_id lease);

  /// The lease is over, or another worker will be chosen for it. If a task worked for the lease, call `task_ended`
  /// before.
  void free_slot(worker_id id, lease_id lease);

  /// The lease's task is working.
  void task_started(worker_id id, lease_id lease, time_point now);

  /// Counts the end of a task in the statistics, and, if its process failed, against the worker's health: once for each
  /// `input`. `lives_on`: the process has other leases.
  void task_ended(const task_end& x, worker_id id, lease_id lease, time_point now, bool process_failed = false,
                  std::string_view input = {}, bool lives_on = false);

  /// What a task reports about the work for one of its leases. The task's own figures are those of all its leases: the
  /// input once, the outputs together.
  void report(task_id task, lease_id lease, const work_statistics& x);

  // -- views ----------------------------------------------------------------

  /// By decimal id or by name. If several workers had the same name, the one that is not gone.
  std::optional<worker_id> find(std::string_view name_or_id) const;

  health state(worker_id id) const;

  /// The worker's registration; null if it is unknown or gone.
  const registration* registered(worker_id id) const;

  /// The worker's condition, for choosing among workers.
  worker_condition condition(worker_id id) const;

  /// The workers whose condition may have changed since the last call.
  std::vector<worker_id> take_changed() {
    return std::exchange(changed_, {});
  }

  /// Whether the worker was told to drain.
  bool draining(worker_id id) const;

  std::vector<daemon_status> status() const;

private:
  struct worker {
    explicit worker(const breaker_config& config) : trust(config) {}

    registration info;
    daemon_status status;
    time_point last_heartbeat;
    time_point gone_at;
    bool draining = false;
    bool silent = false; ///< no heartbeat for too long
    breaker trust;
    std::map<task_id, std::map<lease_id, work_statistics>> reports;
    worker_condition told; ///< the condition when `changed_` last got this worker
  };

  /// Sets `status.state` and `status.reason` from everything that is known.
  void judge(worker& w, time_point now);

  /// Empty if the worker can take the request, given a free slot and, for hardware, a free session. `rungs` are the
  /// encoders that may encode its video.
  std::string objection(const worker& w, const lease_request& x, const std::vector<rung>& rungs) const;

  worker_condition condition_of(const worker& w) const;

  /// Records that the worker's condition changed, if it did.
  void note(worker& w);

  /// Unix time of a moment on our clock, derived from the latest event that gave both times.
  int64_t unix_ms_of(time_point x) const;

  void note_time(time_point now, int64_t unix_ms);

  worker_table_config config_;
  std::unordered_map<worker_id, worker> workers_;
  std::vector<worker_id> changed_;
  int64_t unix_ms_at_zero_ = 0; ///< Unix time at which our clock was 0
};

} // namespace troupe::core
