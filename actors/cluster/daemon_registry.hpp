// DAEMON REGISTRY: knows all workers and their task processes; selects workers, grants leases, watches both.
//
// The decisions are in `core::worker_table` (which workers exist, their health and slots) and `core::lease_table`
// (which request gets what); this actor translates. It monitors every worker's host, every task process and every owner
// of a lease:
// - a host dies: its worker is gone at once, requests that wait for it look elsewhere, its running tasks live on;
// - a host is silent: with time its worker becomes degraded, then unhealthy, then gone;
// - a task dies: its lease ends, its slot is free and the worker's breaker is told; the owner sees the same death
//   itself;
// - an owner dies: its leases end regularly, and the hosts are told to end their tasks;
// - the coordinator dies: its node ends, and with it the registry.
//
// The registry restarts nothing itself: a worker's breaker limits how often a bad worker is tried, and a host limits
// how fast it starts processes. If the registry dies, the coordinator starts a new one (if that happens too often,
// the node ends), and workers register again. A worker itself remembers whether it is draining. Running tasks continue
// with their owners, unknown to the new registry. When the new registry finds tasks that serve none of its leases, it
// has them ended, and their owners request new leases.
#pragma once

#include "actors/common/leases.hpp"
#include "core/cluster/lease_table.hpp"
#include "core/cluster/worker_table.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>
#include <caf/response_promise.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <string>
#include <unordered_map>

namespace troupe {

struct daemon_registry_config {
  core::worker_table_config workers;
  core::lease_table_config leases;
  std::chrono::milliseconds heartbeat_interval{1000};
};

struct daemon_registry_state : core::lease_effects {
  using interface = daemon_registry_actor::extend<
    // The coordinator's own host, which runs the ingest tasks.
    caf::result<void>(worker_id, task_host_actor),
    // A job takes over a task that got its work from an earlier coordinator; see `core::lease_table::adopt`.
    caf::result<lease, task_actor>(task_join, lease_request, orphan_actor),
    // How a process of the host ended; answered when it has ended.
    caf::result<task_exit>(status_atom, worker_id, task_id),
    // The lease's task has opened its encoder. False: the lease is over, and the task must end.
    caf::result<bool>(confirm_atom, lease_id),
    // The lease's device refused its task, for this reason: the device is avoided for a while. Comes before the
    // release.
    caf::result<void>(quarantine_atom, lease_id, std::string),
    // Requests that wait for a place, by attempt: how many requests are ahead of each.
    caf::result<queue_places>(status_atom),
    // INTERNAL: a tick of the clock.
    caf::result<void>(tick_atom)>;

  static inline const char* name = "daemon_registry";

  daemon_registry_state(interface::pointer self, daemon_registry_config config);

  interface::behavior_type make_behavior();

  // -- core::lease_effects ----------------------------------------------------

  void grant(uint64_t ticket, const lease& x) override;
  void refuse(uint64_t ticket, ec code, const std::string& why) override;
  void want(worker_id host, uint32_t processes) override;
  void assign(worker_id host, task_id task, const work_label& label, lease_id id) override;
  void end(worker_id host, task_id task) override;
  void move(uint64_t owner, lease_id id) override;
  void give_back(uint64_t owner, lease_id id) override;
  void watch_end(worker_id host, task_id task) override;

  // -- events -----------------------------------------------------------------

  caf::result<caf::timespan> add_worker(const registration& x, const task_host_actor& host);
  caf::result<lease, task_actor> adopt_task(const task_join& x, const lease_request& what, const orphan_actor& task);
  /// The number of the present sender, as the lease table knows it.
  uint64_t owner_now();
  caf::result<void> add_task(const task_join& x, const task_actor& task);
  void on_down(const caf::actor_addr& who, const caf::error& why);
  /// The process is gone: its lease is over.
  void lose_task(task_id id, const lease_end& how);

  void drop_worker(worker_id id);
  caf::result<void> administer(const std::string& name_or_id, const std::function<bool(worker_id)>& change);

  using promise = caf::typed_response_promise<lease, task_actor>;

  interface::pointer self;
  daemon_registry_config config;
  core::worker_table workers;
  core::lease_table leases;
  std::unordered_map<worker_id, task_host_actor> hosts;
  std::unordered_map<task_id, task_actor> tasks;
  std::unordered_map<uint64_t, promise> waiting; ///< by ticket
  std::unordered_map<caf::actor_addr, uint64_t> owners;
  uint64_t next_ticket = 1;
  uint64_t next_owner = 1;
};

using local_registry_actor = daemon_registry_state::interface;

local_registry_actor spawn_daemon_registry(caf::actor_system& system, daemon_registry_config config);

} // namespace troupe
