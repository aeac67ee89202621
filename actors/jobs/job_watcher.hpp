// JOB WATCHER: receives the events of file jobs and passes them to a function, for parts of the process that are not
// actors.
//
// - The queue dies: the watcher subscribes to the next queue through the coordinator, and reports that events may have
//   been missed.
// - The coordinator dies: the watcher ends.
// - Its owner ends it.
#pragma once

#include "actors/jobs/jobs_actor.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <functional>

namespace troupe {

struct job_watcher_functions {
  std::function<void(const job_news&)> news; ///< called on a thread of the actor system, must not block
  std::function<void()> listening;           ///< from now on no event is missed; called again after each interruption
  bool callbacks_only = false;
};

/// The owner ends it with an exit message.
caf::actor spawn_job_watcher(caf::actor_system& system, jobs_actor jobs, job_watcher_functions call);

} // namespace troupe
