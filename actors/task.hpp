// TASK: the root actor of a task process. It waits for one unit of work, hosts the actor that does it, and ends with it.
//
// The process joins the coordinator at its start and is then warm: work reaches it without a process start, a handshake or the
// loading of libav*. When the coordinator dies, the task ends: what it made has nowhere to go. When its host dies, it ends if it is
// still waiting; work under way goes on, because the coordinator reaches it directly.
#pragma once

#include "actors/transcoder.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

namespace troupe {

struct task_state {
  /// INTERNAL: the host that started this process is gone.
  using interface = task_actor::extend<caf::result<void>(end_atom)>;

  static inline const char* name = "task";

  task_state(interface::pointer self, coordinator_actor coordinator, transcoder_faults faults);

  interface::behavior_type make_behavior();

  /// Ends this actor with the one that works.
  template <class Handle>
  Handle follow(Handle worker);

  interface::pointer self;
  coordinator_actor coordinator;
  transcoder_faults faults;
  bool busy = false;
};

task_state::interface spawn_task(caf::actor_system& system, coordinator_actor coordinator,
                                 transcoder_faults faults = {});

} // namespace troupe
