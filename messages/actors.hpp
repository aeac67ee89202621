// Every typed actor handle of the cluster, with one line on each message. The header of an actor says what it owns and
// what happens when a neighbour dies.
#pragma once

#include "messages/type_ids.hpp"

#include <caf/typed_actor.hpp>

namespace troupe {

/// Receives the samples of an ingest or a transcoder. Each channel session is a sink.
using sample_sink_actor = caf::typed_actor<
  // The next block of the attempt. The sink answers the producer with a `batch_ack`.
  caf::result<void>(sample_batch),
  // The tracks of the attempt, from the next batch on.
  caf::result<void>(format_change),
  // The attempt is over.
  caf::result<void>(stream_end),
  // What the attempt has done so far; sent every second.
  caf::result<void>(attempt_id, work_statistics)>;

/// Produces the samples of one source, in a task of its own.
using ingest_actor = caf::typed_actor<
  // The sink has taken these batches: their bytes are no longer in flight.
  caf::result<void>(batch_ack),
  // Ends the pull and the task's process.
  caf::result<void>(stop_atom)>;

/// Makes one rendition of one window, or several from the same source, in a task of its own. Each has its own attempt;
/// the source's batches have the number of the first. The task's process ends with the last of them.
using transcoder_actor = caf::typed_actor<
  // The next source block. The transcoder answers the sender with a `batch_ack` once the block is decoded.
  caf::result<void>(sample_batch),
  // The source's tracks change with the next batch.
  caf::result<void>(format_change),
  // The sink has taken these batches of the attempt's output.
  caf::result<void>(batch_ack),
  // The source has ended: flush, deliver and end the attempt.
  caf::result<void>(finish_atom, attempt_id),
  // The attempt's window ends at this time (ticks) on every track; no source sample has reached it yet. Make the output
  // up to it, then end the attempt.
  caf::result<void>(finish_atom, attempt_id, int64_t),
  // Ends the attempt. Answered when its encoder is closed.
  caf::result<void>(stop_atom, attempt_id)>;

/// Receives the messages of a file worker. Each job is a client.
using file_client_actor = caf::typed_actor<
  // How far the attempt has come.
  caf::result<void>(file_progress),
  // The attempt is over.
  caf::result<void>(file_result)>;

/// Does one unit of work on a file, in a task of its own.
using file_worker_actor = caf::typed_actor<
  // Ends the work and the task's process.
  caf::result<void>(stop_atom)>;

/// The root actor of a task process. It takes one unit of work in its life.
using task_actor = caf::typed_actor<
  // Starts to pull a source, and sends its samples to the sink.
  caf::result<ingest_actor>(ingest_work, sample_sink_actor),
  // Starts to transcode the sender's samples, and sends the output to the sink. Further work for the same samples is
  // accepted until the first of them comes.
  caf::result<transcoder_actor>(transcode_work, sample_sink_actor),
  // Starts to work on a file, and reports to the client.
  caf::result<file_worker_actor>(file_work, file_client_actor)>;

/// A task that lost its coordinator during file work and continued the work.
using orphan_actor = task_actor::extend<
  // The work continues for this client, under this attempt. Results finished in the meantime are reported at once.
  caf::result<file_worker_actor>(attempt_id, file_client_actor)>;

/// Starts, labels and ends the task processes of one machine.
using task_host_actor = caf::typed_actor<
  // Keep this many processes waiting for work.
  caf::result<void>(warm_atom, uint32_t),
  // This process now does this work. Returns what enforces its limits, or an error if the host has no such process or
  // is draining.
  caf::result<std::string>(assign_atom, task_id, work_label),
  // How a process ended; answered when it has ended. The default value if that is not known.
  caf::result<task_exit>(status_atom, task_id),
  // Its lease is over: ask the process to end, and kill it if it does not.
  caf::result<void>(end_atom, task_id)>;

/// Knows all workers and their task processes. It selects workers, grants leases, and watches workers and task
/// processes.
using daemon_registry_actor = caf::typed_actor<
  // A worker introduces itself. Returns the heartbeat interval, or an error that says why the worker is refused.
  caf::result<caf::timespan>(registration, task_host_actor),
  // A task process introduces itself.
  caf::result<void>(task_join, task_actor),
  // A worker is alive. Returns whether it is draining.
  caf::result<bool>(heartbeat),
  // Waits for a slot and a task process. Live work waits for a limited time, file work without a limit.
  caf::result<lease, task_actor>(lease_request),
  // The lease's work is over.
  caf::result<void>(release_atom, lease_id, lease_end),
  // What the lease's task reports about its work.
  caf::result<void>(lease_id, work_statistics),
  // All workers.
  caf::result<std::vector<daemon_status>>(daemons_atom),
  // Give the worker (by name or id) no new work.
  caf::result<void>(drain_atom, std::string),
  // Give the worker new work again.
  caf::result<void>(resume_atom, std::string),
  // Forget the worker and end its tasks.
  caf::result<void>(remove_atom, std::string)>;

/// The coordinator as other nodes see it: the only actor that is published.
using coordinator_actor = caf::typed_actor<
  // Delegated to the registry.
  caf::result<caf::timespan, daemon_registry_actor>(registration, task_host_actor),
  // Delegated to the registry.
  caf::result<void>(task_join, task_actor),
  // A task that lost an earlier coordinator offers its unfinished file work. Answered when the job resumes with this
  // work; `refused` if no job does.
  caf::result<void>(task_join, file_work, orphan_actor)>;

} // namespace troupe

CAF_BEGIN_TYPE_ID_BLOCK(troupe_actors, caf::id_block::troupe::end)

  CAF_ADD_TYPE_ID(troupe_actors, (troupe::sample_sink_actor))
  CAF_ADD_TYPE_ID(troupe_actors, (troupe::ingest_actor))
  CAF_ADD_TYPE_ID(troupe_actors, (troupe::transcoder_actor))
  CAF_ADD_TYPE_ID(troupe_actors, (troupe::task_actor))
  CAF_ADD_TYPE_ID(troupe_actors, (troupe::task_host_actor))
  CAF_ADD_TYPE_ID(troupe_actors, (troupe::daemon_registry_actor))
  CAF_ADD_TYPE_ID(troupe_actors, (troupe::coordinator_actor))
  CAF_ADD_TYPE_ID(troupe_actors, (troupe::file_client_actor))
  CAF_ADD_TYPE_ID(troupe_actors, (troupe::file_worker_actor))
  CAF_ADD_TYPE_ID(troupe_actors, (troupe::orphan_actor))

CAF_END_TYPE_ID_BLOCK(troupe_actors)
