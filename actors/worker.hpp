// WORKER: one machine's place in the cluster. It registers with what the machine has proven to be able to do, sends heartbeats, and
// owns the machine's task host.
//
// - The coordinator dies or the connection breaks: connect again with back-off and jitter, register again under the same id.
// - The registry does not know it any more (restarted): register again.
// - The registration is refused: say why, try again at the longest delay; the reason may be mended at the other side.
// - Its task host dies, which a forced removal causes: the worker ends, and with it its node.
#pragma once

#include "actors/task_host.hpp"
#include "messages/actors.hpp"
#include "telemetry/machine.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <functional>
#include <random>
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
};

struct worker_state {
  using interface = caf::typed_actor<
    // INTERNAL: what the machine proved.
    caf::result<void>(capabilities),
    // INTERNAL: the coordinator is reached.
    caf::result<void>(coordinator_actor),
    // INTERNAL: a connection attempt failed, with that reason.
    caf::result<void>(stop_atom, std::string),
    // INTERNAL: time to connect.
    caf::result<void>(register_atom),
    // INTERNAL: the heartbeat of that connection.
    caf::result<void>(tick_atom, uint64_t)>;

  static inline const char* name = "worker";

  worker_state(interface::pointer self, worker_config config);

  interface::behavior_type make_behavior();

  void look_for_coordinator();
  void register_at(const coordinator_actor& x);
  void disconnected(const std::string& why);
  void try_later(std::chrono::milliseconds delay);
  void beat(uint64_t connection);

  interface::pointer self;
  worker_config config;
  registration info;
  local_task_host_actor host;
  coordinator_actor coordinator;
  daemon_registry_actor registry;
  std::chrono::milliseconds interval{1000};
  std::chrono::milliseconds delay;
  telemetry::machine_probe machine;
  uint64_t connection = 0; ///< grows with each registration, so that the heartbeat of an old one ends
  uint64_t sequence = 0;
  std::string last_failure;
  std::minstd_rand jitter;
};

worker_state::interface spawn_worker(caf::actor_system& system, worker_config config);

} // namespace troupe
