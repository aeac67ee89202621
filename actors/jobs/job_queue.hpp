// JOB QUEUE: all file jobs of the coordinator: the only owner and writer of the store, and who says whose turn it is.
//
// The store works beside it, on threads of its own (job_storage.hpp): what many ask for at once is written in one transaction, and clients are answered
// when their own is durable; lists are read from another connection. A job whose turn has come gets a job actor at once: the row that says so is
// written with the next batch. Should the coordinator die before, the job still waits in the store, and nobody has seen a result of it, since a job
// publishes only when all that it has said is durable.
// - A job actor dies without an end: its job goes back to the queue, a few times; what it has finished is kept.
// - The store fails for a while (disk full, another process holds it, its server is away): what is to be written waits and is tried again; what clients
//   ask for is refused with the reason, no further job begins, and none publishes.
// - The store is broken: the queue ends, with the reason.
// - The queue dies: the coordinator starts another, which finds every job in the store; those that were at work begin anew. Its job actors end with
//   it, and with them their leases.
// - The coordinator dies: its node ends, and with it the queue.
#pragma once

#include "actors/jobs/job.hpp"
#include "actors/jobs/job_feed.hpp"
#include "actors/jobs/job_folders.hpp"
#include "actors/jobs/job_journal.hpp"
#include "actors/jobs/job_storage.hpp"
#include "actors/jobs/jobs_actor.hpp"
#include "core/jobs/job_order.hpp"
#include "store/store.hpp"
#include "telemetry/file_job_log.hpp"
#include "transfer/desk.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
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
  std::shared_ptr<const job_factory> factory;      ///< of what works at jobs; null: the usual one
  std::shared_ptr<telemetry::file_job_log> counts; ///< told what becomes of jobs; null: nobody counts
  std::shared_ptr<transfer::desk> files;           ///< what others read and write of jobs; null: paths alone
};

struct job_queue_state {
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
    job_actor actor = {}; ///< null when it is gone, and the store is to be looked at
    uint32_t attempt = 0;
    bool over = false;   ///< it has said that it ended
    bool failed = false; ///< and how
    std::optional<core::file_job_status> status = {};
    job_queue queue = job_queue::normal;
  };

  using written = job_journal::written;

  /// A page is read in milliseconds; a store that is away is noticed in this time by itself. What was not read by then is asked for again by whoever
  /// wants it: a client, or the clock.
  static constexpr auto read_timeout = std::chrono::seconds{30};

  /// A way of a job that this actor decides on, or a person through it.
  static store::move_job own_way(job_id id, job_state to, std::string why);

  /// How far the job is, while it is worked on.
  std::optional<core::file_job_status> status_of(job_id id) const;

  /// The task of an earlier life of a job, while the job waits for its turn.
  struct orphan {
    task_join who;
    file_work work;
    orphan_actor task;
    caf::typed_response_promise<void> answer;
  };

  /// Reads what earlier lives left: open jobs wait again, folders of ended ones go.
  bool recover();
  void recover(const store::job& x);
  /// It was at work when the last coordinator ended: it waits again.
  void take_up(const store::job& x);
  static void say_unknown(const store::job& x);

  void send_batch(store_batch x);

  caf::result<job_submitted> submit(const job_submission& x);
  caf::result<void> cancel(job_id id);
  caf::result<void> pause(job_id id);
  /// `resume` and `retry`: back into the queue from that state.
  caf::result<void> queue_again(job_id id, job_state from, const char* why);
  caf::result<void> remove(job_id id);
  caf::result<job_listing> list(const job_question& x);
  caf::result<job_details> show(job_id id);

  /// A written change, for a client who waits for it; `then` may be empty.
  caf::result<void> change(store::operation x, std::function<void()> then);

  // -- records (job_queue_records.cpp) ------------------------------------------

  caf::result<void> subscribe(const job_subscription& x);
  caf::result<job_replay> replay(const job_replay_question& x);
  caf::result<void> settle(const callback_outcome& x);
  void count(const store::operation& what, const store::outcome& done);
  void count(const core::file_job_status& before, const core::file_job_status& now);

  // -- jobs at work (job_queue_work.cpp) ---------------------------------------

  void enqueue(const store::job& x);
  /// `start_due` when all that is at hand was heard: jobs that come together are read together.
  void wake();
  void start_due();
  void load(std::vector<job_id> ids);
  void assign(const store::open_job& x);
  caf::result<void> take_in(const task_join& who, const file_work& work, const orphan_actor& task);
  /// Lets those go whose jobs have ended.
  void drop_orphans();
  void take(const job_writes& x, caf::typed_response_promise<void> answer);
  void on_down(const caf::down_msg& x);
  void ended(job_id id, uint32_t attempt);

  /// Reads the job when all that was said of it is written, and brings what is known here in line with it.
  void look_at(job_id id);
  void settle(const store::open_job& x);
  void begin_again(const store::open_job& x);
  /// Removes clients' files that no job needs any more.
  void sweep_files();

  interface::pointer self_;
  job_queue_config config_;
  leases_actor coordinator_;
  job_journal journal_;
  job_writer_actor writer_;
  job_reader_actor pages_; ///< for clients
  job_reader_actor jobs_;  ///< for the jobs whose turn it is, so that no long list is in their way
  core::job_order order_;
  job_folders folders_;
  std::map<job_id, worked_on> running_;
  std::set<job_id> loading_;   ///< their turn has come; they are being read
  std::set<job_id> unsettled_; ///< to be looked at
  std::vector<orphan> orphans_;
  job_feed feed_;
  bool woken_ = false;
  int64_t next_number_ = 1; ///< of jobs, in the order of their submission
  std::chrono::steady_clock::time_point next_sweep_{};
};

/// Ends at once, with the reason in its exit, where the store cannot be opened.
job_queue_actor spawn_job_queue(caf::actor_system& system, job_queue_config config, leases_actor coordinator);

} // namespace troupe
