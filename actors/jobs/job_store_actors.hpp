// JOB STORE ACTORS: the store of file jobs behind actors of their own, because the store blocks. One actor writes, and
// any number read.
//
// - The writer takes one batch at a time and answers when it is durable. While it waits for the disk, its owner
//   collects the next batch.
// - A reader has a connection of its own: readers and batches never wait for each other. A reader sees what is durable.
// - An error of the store is returned as an answer; the next call opens a new connection.
// - Their owner tells them to stop: they handle the messages that were sent earlier, then end.
#pragma once

#include "actors/jobs/job_views.hpp"
#include "actors/jobs/jobs_actor.hpp"
#include "core/jobs/job_journal.hpp"
#include "messages/type_ids.hpp"
#include "store/store.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

using store_batch = core::job_batch<store::operation>;

/// What became of one operation.
using store_answer = store::expected<store::outcome>;

struct store_results {
  std::optional<store::error> failed; ///< of the batch as a whole
  std::vector<store_answer> results;
  bool recalled = false; ///< an earlier try, whose answer was lost, had stored the batch
};

struct loaded_jobs {
  std::vector<store::open_job> jobs;
};

} // namespace troupe

CAF_BEGIN_TYPE_ID_BLOCK(troupe_storage, caf::id_block::troupe_jobs::end)

  CAF_ADD_TYPE_ID(troupe_storage, (troupe::store_batch))
  CAF_ADD_TYPE_ID(troupe_storage, (troupe::store_results))
  CAF_ADD_TYPE_ID(troupe_storage, (troupe::loaded_jobs))
  CAF_ADD_TYPE_ID(troupe_storage, (std::vector<troupe::job_id>))

CAF_END_TYPE_ID_BLOCK(troupe_storage)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::store_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::store_results)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::loaded_jobs)

namespace troupe {

using job_writer_actor = caf::typed_actor<
  // Writes a batch in one transaction.
  caf::result<store_results>(store_batch),
  // Ends the actor.
  caf::result<void>(stop_atom)>;

using job_reader_actor = caf::typed_actor<
  // A page of jobs, newest first.
  caf::result<job_listing>(jobs_atom, job_question),
  // One job with its chunks and its history.
  caf::result<job_details>(job_atom, job_id),
  // Whole jobs, with their chunks.
  caf::result<loaded_jobs>(std::vector<job_id>),
  // What a watcher missed; the job without the data that is known only while it runs.
  caf::result<job_replay>(job_replay_question),
  // The lines of a job's log.
  caf::result<job_log>(job_log_question),
  // The callbacks that are still due.
  caf::result<callback_list>(callbacks_question),
  // Ends the actor.
  caf::result<void>(stop_atom)>;

/// Writes the batch in one transaction, unless the store has it already.
store_results write_batch(store::job_store& to, store_batch& x);

/// `url` is the store's.
job_writer_actor spawn_job_writer(caf::actor_system& system, store::job_store from, const std::string& url);

/// Waits until no writer in this process uses that store. The last operations of a queue that is gone may still be on
/// their way; a reader that does not wait would never see them. False if a writer still works after `timeout`.
bool await_writers(const std::string& url, std::chrono::milliseconds timeout);

/// The reader connects when it gets its first question.
job_reader_actor spawn_job_reader(caf::actor_system& system, store::settings from);

/// The actors between a queue and its store.
struct job_store_actors {
  job_writer_actor writer;
  job_reader_actor pages; ///< for clients
  job_reader_actor jobs;  ///< for the jobs whose turn it is, so that no long list is in their way
};

job_store_actors spawn_job_store_actors(caf::actor_system& system, store::job_store from, const std::string& url);

} // namespace troupe
