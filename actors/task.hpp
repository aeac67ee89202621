// TASK: the root actor of a task process. It waits for one unit of work, hosts the actor that does it, and ends with it.
//
// The process joins the coordinator at its start and is then warm: work reaches it without a process start, a handshake or the
// loading of libav*. When its host dies, it ends if it is still waiting; work under way goes on, because the coordinator reaches it directly.
//
// When the coordinator dies, the task ends: what it made has nowhere to go. A task that makes a chunk of a file goes on as an orphan: it looks for the
// next coordinator, offers what it has in hand, and reports to the job that takes it over. Nobody wants it, or no coordinator comes within
// `orphan_timeout`: it ends.
#pragma once

#include "actors/jobs/file_faults.hpp"
#include "actors/jobs/file_reach.hpp"
#include "actors/jobs/file_worker.hpp"
#include "actors/live/transcoder.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <functional>

namespace troupe {

/// How the work of a task may misbehave; for tests.
struct task_faults {
  transcoder_faults live;
  file_faults file;
};

struct task_config {
  task_join who;
  /// Blocks until the coordinator is found, or says why it is not. Empty: this task ends with its coordinator.
  std::function<caf::expected<coordinator_actor>()> find_coordinator;
  std::chrono::milliseconds orphan_timeout{60'000};
  task_faults faults;
  task_place place = {};
};

struct task_state {
  using interface = orphan_actor::extend<
    // INTERNAL: the host that started this process is gone.
    caf::result<void>(end_atom),
    // INTERNAL: the next coordinator is there.
    caf::result<void>(coordinator_actor),
    // INTERNAL: it is not; look for it again.
    caf::result<void>(register_atom),
    // INTERNAL: this orphan has waited long enough.
    caf::result<void>(tick_atom, uint64_t)>;

  static inline const char* name = "task";

  task_state(interface::pointer self, coordinator_actor coordinator, task_config config);

  interface::behavior_type make_behavior();

  /// Ends this actor with the one that works.
  template <class Handle>
  Handle follow(Handle worker);

  void on_down(const caf::down_msg& x);
  void look_for_coordinator();
  void offer();
  void end();

  interface::pointer self;
  coordinator_actor coordinator; ///< null while there is none
  task_config config;
  bool busy = false;
  file_work work; ///< of `worker`
  local_file_worker_actor worker;
  uint64_t orphaned = 0; ///< how often it became one
  bool taken = true;     ///< a client has the work
};

task_state::interface spawn_task(caf::actor_system& system, coordinator_actor coordinator, task_config config = {});

} // namespace troupe
