// All file jobs as clients see them, and the related messages that never leave the coordinator's process.
#pragma once

#include "actors/common/leases.hpp"
#include "actors/jobs/job_views.hpp"
#include "messages/actors.hpp"

CAF_BEGIN_TYPE_ID_BLOCK(troupe_jobs, caf::id_block::troupe_local::end)

  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_submission))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_submitted))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_question))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_listing))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_details))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_writes))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_report))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_watcher_actor))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_news))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_subscription))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_replay_question))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_replay))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_log_question))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::job_log))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::callbacks_question))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::callback_list))
  CAF_ADD_TYPE_ID(troupe_jobs, (troupe::callback_outcome))

CAF_END_TYPE_ID_BLOCK(troupe_jobs)

// These types stay in this process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_submission)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_submitted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_question)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_listing)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_details)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_writes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_subscription)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_replay_question)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_replay)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_log_question)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::job_log)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::callbacks_question)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::callback_list)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::callback_outcome)

namespace troupe {

/// All file jobs. Errors: `unknown_job`, `conflict` if the job's state does not allow it, `limit`, `stopping`.
using jobs_actor = caf::typed_actor<
  // A new job; answers when it is stored.
  caf::result<job_submitted>(submit_atom, job_submission),
  // Ends a job and all its tasks; answers when that is stored.
  caf::result<void>(cancel_atom, job_id),
  // Stops all tasks of a job; finished parts are kept.
  caf::result<void>(pause_atom, job_id),
  // A paused job waits for its turn again.
  caf::result<void>(resume_atom, job_id),
  // A failed job waits for its turn again.
  caf::result<void>(retry_atom, job_id),
  // Forgets a job that has ended. Its result stays.
  caf::result<void>(remove_atom, job_id),
  // A page of jobs, newest first.
  caf::result<job_listing>(jobs_atom, job_question),
  // One job with its chunks and its history.
  caf::result<job_details>(job_atom, job_id),
  // From now on the watcher gets all events.
  caf::result<void>(job_subscription),
  // What a watcher missed.
  caf::result<job_replay>(job_replay_question),
  // The lines of a job's log.
  caf::result<job_log>(job_log_question),
  // The callbacks that are still due.
  caf::result<callback_list>(callbacks_question),
  // The result of a callback; answers when that is stored.
  caf::result<void>(callback_outcome)>;

} // namespace troupe
