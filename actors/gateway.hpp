// The coordinator as its own process sees it: what the HTTP server asks.
#pragma once

#include "core/jobs/job_order.hpp"
#include "actors/jobs/job_views.hpp"
#include "packaging/variant_stream.hpp"
#include "messages/actors.hpp"
#include "telemetry/file_job_log.hpp"

#include <memory>
#include <unordered_map>

namespace troupe {

/// How many requests stand before that of an attempt.
using queue_places = std::unordered_map<attempt_id, uint32_t>;

} // namespace troupe

CAF_BEGIN_TYPE_ID_BLOCK(troupe_local, caf::id_block::troupe_actors::end)

  CAF_ADD_TYPE_ID(troupe_local, (troupe::variant_stream_ptr))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_submission))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_submitted))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_question))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_listing))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_details))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_writes))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_report))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_watcher_actor))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_news))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_subscription))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_replay_question))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_replay))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_log_question))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::job_log))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::callbacks_question))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::callback_list))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::callback_outcome))
  CAF_ADD_TYPE_ID(troupe_local, (troupe::queue_places))

CAF_END_TYPE_ID_BLOCK(troupe_local)

// What stays in this process: CAF refuses to serialize it, so it can never cross a node.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::variant_stream_ptr)
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
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::queue_places)

namespace troupe::transfer {
class desk;
} // namespace troupe::transfer

namespace troupe {

/// Makes all message types known to CAF, those of messages/ and those that never leave a process. Must run once, before the first actor
/// system of the process.
void register_node_types();

/// All file jobs. Errors: `unknown_job`, `conflict` where its state does not allow it, `limit`, `stopping`.
using job_queue_actor = caf::typed_actor<
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
  // What a task of an earlier coordinator has in hand; see `coordinator_actor`.
  caf::result<void>(task_join, file_work, orphan_actor),
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

/// Makes what works at a job; see actors/jobs/job.hpp.
class job_factory;

struct job_queue_config {
  std::string store_url;   ///< see `store::settings`
  std::string work_folder; ///< each job has a folder of its own in it
  uint32_t running_max = 8;
  uint32_t job_restarts_max = 3;            ///< of a job whose actor dies
  std::chrono::milliseconds keep_failed{0}; ///< how long the finished chunks of a failed job are kept
  core::job_order_config order;
  core::file_job_config job;
  std::shared_ptr<const job_factory> factory;      ///< of what works at jobs; null: the usual one
  std::shared_ptr<telemetry::file_job_log> counts; ///< told what becomes of jobs; null: nobody counts
  std::shared_ptr<transfer::desk> files;           ///< what others read and write of jobs; null: paths alone
};

/// The coordinator with everything that never leaves its process.
using gateway_actor = coordinator_actor::extend<
  // The cluster port is open, and this ("host:port") is where tasks reach it: ingest may start.
  caf::result<void>(register_atom, std::string),
  // Starts the channel and the rendition where they do not run yet and returns the stream once its first chunk is there. Errors: unknown_channel,
  // unknown_profile, no_worker, source_failed, encode_failed, limit, timeout, stopping. Answers within `live.open_timeout` plus
  // `cluster.selection_timeout` plus a few seconds.
  caf::result<variant_stream_ptr>(watch_atom, std::string /* channel */, std::string /* profile */),
  // Delegated to the registry; sessions ask here, so that a registry may be restarted under them.
  caf::result<lease, task_actor>(lease_request), caf::result<void>(release_atom, lease_id, lease_end),
  caf::result<void>(lease_id, work_statistics),
  // Delegated to the registry: the lease's task has its encoder open; false where it is to end.
  caf::result<bool>(confirm_atom, lease_id),
  // Delegated to the registry: the lease's device refused its task.
  caf::result<void>(quarantine_atom, lease_id, std::string),
  // Delegated to the registry: who waits for a place.
  caf::result<queue_places>(status_atom),
  // A job takes over such a task, with a lease; `no_worker` where its worker is unknown and the request is no last resort.
  caf::result<lease, task_actor>(task_join, lease_request, orphan_actor),
  // The rendition (channel, profile) kills the tasks that make it, for this reason: requests for it are refused for a while.
  caf::result<void>(quarantine_atom, std::string, std::string, std::string),
  // Delegated to the registry: how a process of the worker ended, once it has.
  caf::result<task_exit>(status_atom, worker_id, task_id),
  // All workers.
  caf::result<std::vector<daemon_status>>(daemons_atom),
  // Delegated to the registry: by name or id; unknown_daemon.
  caf::result<void>(drain_atom, std::string), caf::result<void>(resume_atom, std::string),
  caf::result<void>(remove_atom, std::string),
  // All running channels.
  caf::result<std::vector<session_status>>(sessions_atom),
  // Everything that is configured.
  caf::result<std::vector<channel_status>>(channels_atom), caf::result<std::vector<profile>>(profiles_atom),
  // Delegated to the queue of file jobs.
  caf::result<job_submitted>(submit_atom, job_submission), caf::result<void>(cancel_atom, job_id),
  caf::result<void>(pause_atom, job_id), caf::result<void>(resume_atom, job_id), caf::result<void>(retry_atom, job_id),
  caf::result<void>(remove_atom, job_id), caf::result<job_listing>(jobs_atom, job_question),
  caf::result<job_details>(job_atom, job_id), caf::result<void>(job_subscription),
  caf::result<job_replay>(job_replay_question), caf::result<job_log>(job_log_question),
  caf::result<callback_list>(callbacks_question), caf::result<void>(callback_outcome)>;

} // namespace troupe
