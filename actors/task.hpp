// TASK: the root actor of a task process. It waits for one unit of work, hosts the actor that does it, and ends with
// that actor. A transcoder may get further work for the same source.
//
// The process joins the coordinator at its start and is then warm: work starts without a process start, a handshake or
// the loading of libav*. If its host dies, the task ends if it is still waiting. Running work continues, because the
// coordinator reaches it directly.
//
// If the coordinator dies, the task ends: its output has no destination any more. But a task that makes a chunk of a
// file continues as an orphan. It looks for the next coordinator, offers its unfinished work, and reports to the job
// that takes it over. It ends if no job wants the work, or if no coordinator comes within `orphan_timeout`.
#pragma once

#include "actors/jobs/file_reach.hpp"
#include "actors/jobs/file_worker.hpp"
#include "actors/work_factory.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace troupe {

struct task_config {
  task_join who;
  /// Blocks until the coordinator is found, or returns why it is not. Empty: this task ends with its coordinator.
  std::function<caf::expected<coordinator_actor>()> find_coordinator;
  std::chrono::milliseconds orphan_timeout{60'000};
  std::shared_ptr<const work_factory> factory = std::make_shared<work_factory>();
  task_place place = {};
  /// Called before work that needs no further connection. From then on the process can make none.
  std::function<void()> close_networks = [] {};
};

struct task_state {
  using interface = orphan_actor::extend<
    // INTERNAL: the host that started this process is gone.
    caf::result<void>(end_atom),
    // INTERNAL: the next coordinator was found.
    caf::result<void>(coordinator_actor),
    // INTERNAL: no coordinator was found; look again.
    caf::result<void>(register_atom),
    // INTERNAL: this orphan has waited long enough.
    caf::result<void>(tick_atom, uint64_t)>;

  static inline const char* name = "task";

  task_state(interface::pointer self, coordinator_actor coordinator, task_config config);

  interface::behavior_type make_behavior();

  /// Ends this actor with the one that works.
  template <class Handle>
  Handle follow(Handle worker);

  /// Why the task takes no work; none if it does.
  caf::error refusal() const;

  caf::result<transcoder_actor> transcode(transcode_work& work, sample_sink_actor& sink);

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
  local_transcoder_actor transcoder;
  uint64_t orphaned = 0; ///< how often the task became an orphan
  bool taken = true;     ///< the work has a client; false for an orphan
};

task_state::interface spawn_task(caf::actor_system& system, coordinator_actor coordinator, task_config config = {});

} // namespace troupe
