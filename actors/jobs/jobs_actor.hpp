// All file jobs as clients see them, and what of it never leaves the coordinator's process.
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

// What stays in this process.
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

/// All file jobs. Errors: `unknown_job`, `conflict` where its state does not allow it, `limit`, `stopping`.
using jobs_actor = caf::typed_actor<
  // A new job; answers when it is written down.
  caf::result<job_submitted>(submit_atom, job_submission),
  // Ends a job and all that works at it; answers when that is written down.
  caf::result<void>(cancel_atom, job_id),
  // Stops all that works at a job; what is finished is kept.
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
  // The watcher is told of all that happens from now on.
  caf::result<void>(job_subscription),
  // What a watcher missed.
  caf::result<job_replay>(job_replay_question),
  // What a job has said.
  caf::result<job_log>(job_log_question),
  // Who still has to be told of the end of a job.
  caf::result<callback_list>(callbacks_question),
  // What came of telling; answers when that is written down.
  caf::result<void>(callback_outcome)>;

} // namespace troupe
