// JOB QUEUE: all file jobs of the coordinator. It is the only owner and writer of the store. `core::job_book` decides
// which job is next and what happens to it; this actor translates.
//
// The store runs on its own threads (job_store_actors.hpp). Requests that arrive together are written in one
// transaction, and each client is answered when its own request is durable. Lists are read through another connection.
// A job whose turn has come gets a job actor at once; its transition is written with the next batch. If the coordinator
// dies before that, the job still waits in the store. No result of it was published, because a job publishes only when
// everything that it reported is durable.
// - A job actor dies before its job has ended: the job goes back to the queue, a few times; finished parts are kept.
// - The store fails for a while (disk full, another process holds it, its server is away): the coordinator's own writes
//   wait and are tried again; clients' requests are refused with the reason, no further job starts, and none publishes.
// - The store is broken: the queue ends, with the reason.
// - The queue dies: the coordinator starts another one, which finds every job in the store; jobs that were running
//   start again. The old queue's job actors end with it, and their leases too.
// - The coordinator dies: its node ends, and with it the queue.
#pragma once

#include "actors/jobs/job.hpp"
#include "actors/jobs/job_feed.hpp"
#include "actors/jobs/job_folders.hpp"
#include "actors/jobs/job_store_actors.hpp"
#include "actors/jobs/jobs_actor.hpp"
#include "core/jobs/job_book.hpp"
#include "core/jobs/job_journal.hpp"
#include "store/store.hpp"
#include "telemetry/file_job_log.hpp"
#include "transfer/upload_registry.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// All file jobs, and the offers of tasks that outlived a coordinator.
using job_queue_actor = jobs_actor::extend<
  // The unfinished work of a task of an earlier coordinator; see `coordinator_actor`.
  caf::result<void>(task_join, file_work, orphan_actor)>;

/// Makes the actor that runs a job; see actors/jobs/job.hpp.
class job_factory;

struct job_queue_config {
  std::string store_url;                    ///< see `store::settings`
  std::string work_folder;                  ///< each job has a folder of its own in it
  std::chrono::milliseconds keep_failed{0}; ///< how long the finished chunks of a failed job are kept
  core::job_book_config book;
  core::file_job_config job;
  std::shared_ptr<const job_factory> factory; ///< makes the actors of running jobs; null: the usual one
  /// Makes the actors in front of the store.
  std::function<job_store_actors(caf::actor_system&, store::job_store, const std::string&)> storage =
    spawn_job_store_actors;
  std::shared_ptr<telemetry::file_job_log> counts;  ///< told what becomes of jobs; null: nobody counts
  std::shared_ptr<transfer::upload_registry> files; ///< files that others may use; null: none, only paths
};

struct job_queue_state : private core::job_book_effects,
                         private core::job_journal_effects<store::operation, store_answer> {
  using interface = job_queue_actor::extend<
    // INTERNAL: changes of a running job, to be written to the store.
    caf::result<void>(job_writes),
    // INTERNAL: the progress of a running job.
    caf::result<void>(job_report),
    // INTERNAL: a job's actor is gone, and all its messages have been handled.
    caf::result<void>(end_atom, job_id, uint32_t),
    // INTERNAL: start the jobs whose turn has come.
    caf::result<void>(finish_atom),
    // INTERNAL: a tick of the clock.
    caf::result<void>(tick_atom)>;

  static inline const char* name = "job_queue";

  job_queue_state(interface::pointer self, job_queue_config config, leases_actor coordinator);
  ~job_queue_state() override;

  interface::behavior_type make_behavior();

private:
  struct worked_on {
    job_actor actor;
    uint32_t attempt = 0;
    std::optional<core::file_job_status> status = {};
    job_queue queue = job_queue::normal;
  };

  /// Reading a page takes milliseconds, and the reader itself notices within this time that the store is away. After
  /// this time the one who asked asks again: a client, or the queue at its next tick.
  static constexpr auto read_timeout = std::chrono::seconds{30};

  /// The job's progress while it runs; empty otherwise.
  std::optional<core::file_job_status> status_of(job_id id) const;

  /// A task from before a restart, until the book decides which job gets it.
  struct orphan {
    task_join who;
    file_work work;
    orphan_actor task;
    caf::typed_response_promise<void> answer;
  };

  /// Reads what earlier coordinators left: open jobs wait again, folders of ended jobs are removed.
  bool recover();

  caf::result<job_submitted> submit(const job_submission& x);
  /// A user's command, as a transition of the book.
  caf::result<void> ask(const core::job_way& x);
  caf::result<void> remove(job_id id);
  caf::result<job_listing> list(const job_question& x);
  caf::result<job_details> show(job_id id);

  using written = std::function<void(const store_answer&)>;

  void write(store::operation x, written then = {});
  void write_for_client(store::operation x, written then);
  /// Writes a client's change, and answers when it is durable or refused; `then` may be empty.
  caf::result<void> change(store::operation x, std::function<void(const store::outcome&)> then);

  // -- core::job_journal_effects, and records (job_queue_records.cpp) ------------

  void send_batch(store_batch x) override;
  void answered(const store::operation& what, const store_answer& how, int64_t at_ms) override;
  void surprised(const store::operation& what) override;
  void take(const store_results& x);
  caf::result<void> subscribe(const job_subscription& x);
  caf::result<job_replay> replay(const job_replay_question& x);
  caf::result<void> settle(const callback_outcome& x);
  void count(const store::operation& what, const store::outcome& done);
  void count(const core::file_job_status& before, const core::file_job_status& now);

  // -- core::job_book_effects (job_queue_work.cpp) -------------------------------

  void write(const core::job_way& x) override;
  void chunk_waits(const core::job_row& of, uint32_t number) override;
  void load(const std::vector<job_id>& ids) override;
  void look(job_id id) override;
  std::optional<std::string> begin(const core::job_row& x, uint32_t attempt, uint64_t turn) override;
  void halt(job_id id) override;
  void end(job_id id) override;
  void wake() override;
  void hand_over(uint64_t number, job_id to) override;
  void turn_away(uint64_t number, const std::string& why) override;
  void keep_folder(job_id id, int64_t failed_ms) override;
  void use_folder(job_id id) override;
  void drop_folder(job_id id) override;
  void left_alone(const core::job_row& x) override;

  // -- running jobs (job_queue_work.cpp) ---------------------------------------

  caf::result<void> take_in(const task_join& who, const file_work& work, const orphan_actor& task);
  void take(const job_writes& x, caf::typed_response_promise<void> answer);
  void take(const job_report& x);
  void on_down(const caf::down_msg& x);
  void ended(job_id id, uint32_t attempt);
  /// Removes clients' files that no job needs any more.
  void sweep_files();

  interface::pointer self_;
  job_queue_config config_;
  leases_actor coordinator_;
  core::job_journal<store::operation, store_answer> journal_;
  job_store_actors storage_; ///< empty if the store does not open
  core::job_book book_;
  job_folders folders_;
  std::map<job_id, worked_on> at_work_;
  std::map<uint64_t, orphan> orphans_;
  uint64_t next_orphan_ = 1;
  const loaded_jobs* at_hand_ = nullptr; ///< the rows just read, during `book_.loaded`
  job_feed feed_;
  bool woken_ = false;
  std::chrono::steady_clock::time_point next_sweep_{};
};

/// Ends at once if the store cannot be opened; the exit reason says why.
job_queue_actor spawn_job_queue(caf::actor_system& system, job_queue_config config, leases_actor coordinator);

} // namespace troupe
