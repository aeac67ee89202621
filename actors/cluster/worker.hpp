// WORKER: represents one machine in the cluster. It registers with the machine's proven capabilities, sends heartbeats,
// and owns the machine's task host.
//
// - The coordinator or its registry dies, or the connection breaks: the worker connects again with back-off and jitter,
//   and registers again under the same id. The registration tells a restarted coordinator whether the worker is
//   draining.
// - The registry no longer knows the worker: the worker connects and registers again in the same way.
// - The registration is refused: the worker logs why, and tries again at growing intervals, because an operator may
//   correct the reason.
// - The driver of a GPU hangs: heartbeats continue, and report it.
// - Its task host dies, which a forced removal causes: the worker ends, and with it its node.
// - A task dies: the worker does nothing; its host has noticed, and its owner acts.
//
// It restarts nothing. When its node is told to end, it drains first: it has its live tasks moved to other workers. It
// sends heartbeats until nothing works here any more, and then answers.
#pragma once

#include "actors/cluster/gpu_watch.hpp"
#include "actors/cluster/task_host.hpp"
#include "core/back_off.hpp"
#include "messages/actors.hpp"
#include "telemetry/machine.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace troupe {

/// The functions that start the actors which the worker owns.
struct worker_parts {
  std::function<local_task_host_actor(caf::actor_system&, task_host_config)> host = spawn_task_host;
  std::function<gpu_watch_actor(caf::actor_system&, gpu_watch_config)> gpu_watch = spawn_gpu_watch;
};

struct worker_config {
  std::string name;
  std::string version;
  std::string work_dir; ///< its file system's free space is reported
  uint32_t slots = 1;
  std::chrono::milliseconds reconnect_delay{250};
  std::chrono::milliseconds reconnect_max_delay{10'000};
  /// Finds the coordinator; may block during a connection attempt. Runs on a thread of its own.
  std::function<caf::expected<coordinator_actor>()> find_coordinator;
  /// Tests what this machine can do; may take seconds. Runs on a thread of its own.
  std::function<capabilities()> prove;
  task_host_config host;
  gpu_watch_config gpus;
  worker_parts start = {};
};

struct worker_state {
  using interface = caf::typed_actor<
    // The node is about to end: have all work moved to other workers. Answers when nothing works here any more, or
    // after this time.
    caf::result<void>(drain_atom, caf::timespan),
    // INTERNAL: check whether nothing works here any more.
    caf::result<void>(drain_atom),
    // INTERNAL: the proven capabilities of the machine.
    caf::result<void>(capabilities),
    // INTERNAL: the coordinator is reached.
    caf::result<void>(coordinator_actor),
    // INTERNAL: a connection attempt failed, for this reason.
    caf::result<void>(stop_atom, std::string),
    // INTERNAL: a driver that has not answered by now no longer delays the registration.
    caf::result<void>(status_atom),
    // INTERNAL: time to connect.
    caf::result<void>(register_atom),
    // INTERNAL: the heartbeat of this connection.
    caf::result<void>(tick_atom, uint64_t)>;

  static inline const char* name = "worker";

  worker_state(interface::pointer self, worker_config config);

  interface::behavior_type make_behavior();

  void look_for_coordinator();
  /// Asks for the GPUs' measurements, unless an earlier answer is outstanding.
  void measure_gpus(std::vector<task_statistics> tasks);
  /// Registers once codecs are proven and GPUs were measured.
  void ready_when_known();
  void register_at(const coordinator_actor& x);
  void disconnected(const std::string& why);
  void beat(uint64_t connection);
  void send_heartbeat(uint64_t connection, std::vector<task_statistics> tasks);
  caf::result<void> drain(caf::timespan at_most);
  void tell_that_it_drains();
  void look_whether_drained();

  /// A node that is about to end.
  struct ending {
    caf::typed_response_promise<void> answer;
    std::chrono::steady_clock::time_point deadline;
    bool told; ///< the registry knows: no more work will come
  };

  interface::pointer self;
  worker_config config;
  registration info;
  local_task_host_actor host;
  gpu_watch_actor gpu_watch;
  std::optional<std::chrono::steady_clock::time_point> gpus_asked; ///< since when their answer is outstanding
  bool gpus_known = false;
  bool codecs_known = false;
  bool looked = false; ///< the coordinator was looked for at least once
  coordinator_actor coordinator;
  daemon_registry_actor registry;
  std::chrono::milliseconds interval{1000};
  core::back_off reconnect;
  telemetry::machine_probe machine;
  uint64_t connection = 0; ///< grows with each registration, so that an old connection's heartbeat ends
  uint64_t sequence = 0;
  std::string last_failure;
  std::optional<ending> end;
};

worker_state::interface spawn_worker(caf::actor_system& system, worker_config config);

} // namespace troupe
