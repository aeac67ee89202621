// WORKER: one machine's place in the cluster. It registers with what the machine has proven to be able to do, sends heartbeats, and
// owns the machine's task host.
//
// - The coordinator or its registry dies, or the connection breaks: connect again with back-off and jitter, register again under the
//   same id. A coordinator that was started anew learns from the registration whether the worker drains.
// - The registry does not know it any more: the same.
// - The registration is refused: say why, and try again ever more rarely; the reason may be mended at the other side.
// - The driver of a GPU hangs: heartbeats go on, and say so.
// - Its task host dies, which a forced removal causes: the worker ends, and with it its node.
// - A task dies: nothing here; its host has noticed, and its owner acts.
// It restarts nobody. When its node is told to end, it drains first: it has its live tasks moved to other workers, goes on beating
// until nothing works here any more, and then says so.
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

struct worker_config {
  std::string name;
  std::string token;
  std::string version;
  std::string work_dir; ///< whose file system's space is reported
  uint32_t slots = 1;
  std::chrono::milliseconds reconnect_delay{250};
  std::chrono::milliseconds reconnect_max_delay{10'000};
  /// Finds the coordinator; may block for a connection attempt. Runs on a thread of its own.
  std::function<caf::expected<coordinator_actor>()> find_coordinator;
  /// What this machine can do; may take seconds. Runs on a thread of its own.
  std::function<capabilities()> prove;
  task_host_config host;
  gpu_watch_config gpus;
};

struct worker_state {
  using interface = caf::typed_actor<
    // Have everything that works here moved to other workers, as the node is to end. Answers when nothing works here any more, or after
    // that time.
    caf::result<void>(drain_atom, caf::timespan),
    // INTERNAL: a look at whether that is so.
    caf::result<void>(drain_atom),
    // INTERNAL: what the machine proved.
    caf::result<void>(capabilities),
    // INTERNAL: the coordinator is reached.
    caf::result<void>(coordinator_actor),
    // INTERNAL: a connection attempt failed, with that reason.
    caf::result<void>(stop_atom, std::string),
    // INTERNAL: a driver that has not answered by now keeps the worker from registering no longer.
    caf::result<void>(status_atom),
    // INTERNAL: time to connect.
    caf::result<void>(register_atom),
    // INTERNAL: the heartbeat of that connection.
    caf::result<void>(tick_atom, uint64_t)>;

  static inline const char* name = "worker";

  worker_state(interface::pointer self, worker_config config);

  interface::behavior_type make_behavior();

  void look_for_coordinator();
  /// Asks what the GPUs measure, unless they still owe an answer.
  void measure_gpus(std::vector<task_statistics> tasks);
  /// Registers once codecs are proven and GPUs were looked at.
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
    bool told; ///< the registry knows: what works here now is all that there will be
  };

  interface::pointer self;
  worker_config config;
  registration info;
  local_task_host_actor host;
  gpu_watch_actor gpu_watch;
  std::optional<std::chrono::steady_clock::time_point> gpus_asked; ///< since when they owe an answer
  bool gpus_known = false;
  bool codecs_known = false;
  bool looked = false; ///< for the coordinator, at least once
  coordinator_actor coordinator;
  daemon_registry_actor registry;
  std::chrono::milliseconds interval{1000};
  core::back_off reconnect;
  telemetry::machine_probe machine;
  uint64_t connection = 0; ///< grows with each registration, so that the heartbeat of an old one ends
  uint64_t sequence = 0;
  std::string last_failure;
  std::optional<ending> end;
};

worker_state::interface spawn_worker(caf::actor_system& system, worker_config config);

} // namespace troupe
