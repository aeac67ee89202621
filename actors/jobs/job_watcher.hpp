// JOB WATCHER: hears what happens to the file jobs and passes it to a function, for the parts of the process that are no actors.
//
// - The queue dies: it asks the coordinator for the next one's news, and says that something may have been missed.
// - The coordinator dies: it ends.
// - Its owner ends it.
#pragma once

#include "actors/jobs/jobs_actor.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <functional>

namespace troupe {

struct job_watcher_functions {
  std::function<void(const job_news&)> news; ///< called on a thread of the actor system, must not block
  std::function<void()> listening;           ///< from now on nothing is missed; called again after each interruption
  bool callbacks_only = false;
};

/// The owner ends it with an exit message.
caf::actor spawn_job_watcher(caf::actor_system& system, jobs_actor jobs, job_watcher_functions call);

} // namespace troupe
