// JOB QUEUE: all file jobs of the coordinator: the only owner and writer of the store. Whose turn it is, and what
// becomes of a job, is decided by `core::job_book`; this actor translates.
//
// The store works beside it, on threads of its own (job_storage.hpp): what many ask for at once is written in one
// transaction, and clients are answered when their own is durable; lists are read from another connection. A job whose
// turn has come gets a job actor at once: the row that says so is written with the next batch. Should the coordinator
// die before, the job still waits in the store, and nobody has seen a result of it, since a job publishes only when all
// that it has said is durable.
// - A job actor dies without an end: its job goes back to the queue, a few times; what it has finished is kept.
// - The store fails for a while (disk full, another process holds it, its server is away): what is to be written waits
//   and is tried again; what clients ask for is refused with the reason, no further job begins, and none publishes.
// - The store is broken: the queue ends, with the reason.
// - The queue dies: the coordinator starts another, which finds every job in the store; those that were at work begin
//   anew. Its job actors end with it, and with them their leases.
// - The coordinator dies: its node ends, and with it the queue.
#pragma once

#include "actors/jobs/job.hpp"
#include "actors/jobs/job_feed.hpp"
#include "actors/jobs/job_folders.hpp"
#include "actors/jobs/job_journal.hpp"
#include "actors/jobs/job_storage.hpp"
#include "actors/jobs/jobs_actor.hpp"
#include "core/jobs/job_book.hpp"
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

/// All file jobs, and what tasks that outlived a coordinator offer.
using job_queue_actor = jobs_actor::extend<
  // What a task of an earlier coordinator has in hand; see `coordinator_actor`.
  caf::result<void>(task_join, file_work, orphan_actor)>;

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
  std::shared_ptr<const job_factory> factory;       ///< of what works at jobs; null: the usual one
  std::shared_ptr<telemetry::file_job_log> counts;  ///< told what becomes of jobs; null: nobody counts
  std::shared_ptr<transfer::upload_registry> files; ///< what others read and write of jobs; null: paths alone
};

struct job_queue_state : private core::job_book_effects {
  using interface = job_queue_actor::extend<
    // INTERNAL: what a job at work wants written down.
    caf::result<void>(job_writes),
    // INTERNAL: how far a job at work is.
    caf::result<void>(job_report),
    // INTERNAL: a job's actor is gone, and all that it said has been heard.
    caf::result<void>(end_atom, job_id, uint32_t),
    // INTERNAL: see whose turn it is.
    caf::result<void>(finish_atom),
    // INTERNAL: the clock.
    caf::result<void>(tick_atom)>;

  static inline const char* name = "job_queue";

  job_queue_state(interface::pointer self, job_queue_config config, leases_actor coordinator);
  ~job_queue_state();

  interface::behavior_type make_behavior();

private:
  struct worked_on {
    job_actor actor;
    uint32_t attempt = 0;
    std::optional<core::file_job_status> status = {};
    job_queue queue = job_queue::normal;
  };

  /// A page is read in milliseconds; a store that is away is noticed in this time by itself. What was not read by then
  /// is asked for again by whoever wants it: a client, or the clock.
  static constexpr auto read_timeout = std::chrono::seconds{30};

  /// How far the job is, while it is worked on.
  std::optional<core::file_job_status> status_of(job_id id) const;

  /// The task of an earlier life of a job, while the book says who gets it.
  struct orphan {
    task_join who;
    file_work work;
    orphan_actor task;
    caf::typed_response_promise<void> answer;
  };

  /// Reads what earlier lives left: open jobs wait again, folders of ended ones go.
  bool recover();
  void send_batch(store_batch x);

  caf::result<job_submitted> submit(const job_submission& x);
  /// What a person asks for: a way of the book's.
  caf::result<void> ask(const core::job_way& x);
  caf::result<void> remove(job_id id);
  caf::result<job_listing> list(const job_question& x);
  caf::result<job_details> show(job_id id);

  /// A written change, for a client who waits for it; `then` may be empty.
  caf::result<void> change(store::operation x, std::function<void(const store::outcome&)> then);

  // -- records (job_queue_records.cpp) ------------------------------------------

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

  // -- jobs at work (job_queue_work.cpp) ---------------------------------------

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
  job_journal journal_;
  job_writer_actor writer_;
  job_reader_actor pages_; ///< for clients
  job_reader_actor jobs_;  ///< for the jobs whose turn it is, so that no long list is in their way
  core::job_book book_;
  job_folders folders_;
  std::map<job_id, worked_on> at_work_;
  std::map<uint64_t, orphan> orphans_;
  uint64_t next_orphan_ = 1;
  const loaded_jobs* at_hand_ = nullptr; ///< while the book hears what was read
  job_feed feed_;
  bool woken_ = false;
  std::chrono::steady_clock::time_point next_sweep_{};
};

/// Ends at once, with the reason in its exit, where the store cannot be opened.
job_queue_actor spawn_job_queue(caf::actor_system& system, job_queue_config config, leases_actor coordinator);

} // namespace troupe
