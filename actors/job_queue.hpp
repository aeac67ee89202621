// JOB QUEUE: all file jobs of the coordinator: the only owner and writer of the store, and who says whose turn it is.
//
// A detached actor, because the store blocks. What many ask for at once is written in one transaction: operations are collected until the mailbox has
// been seen through, and clients are answered when their own is durable. A job whose turn has come gets a job actor.
// - A job actor dies without an end: its job goes back to the queue, a few times; what it has finished is kept.
// - The store fails for a while (disk full, another process holds it): what is to be written waits and is tried again.
// - The store is broken: the queue ends, with the reason.
// - The queue dies: the coordinator starts another, which finds every job in the store; those that were at work begin anew. Its job actors end with
//   it, and with them their leases.
// - The coordinator dies: its node ends, and with it the queue.
#pragma once

#include "actors/core/job_order.hpp"
#include "actors/gateway.hpp"
#include "actors/job.hpp"
#include "store/store.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

struct job_queue_state {
  using interface = job_queue_actor::extend<
    // INTERNAL: what a job at work wants written down.
    caf::result<void>(job_writes),
    // INTERNAL: how far a job at work is.
    caf::result<void>(job_report),
    // INTERNAL: a job's actor is gone, and all that it said has been heard.
    caf::result<void>(end_atom, job_id, uint32_t),
    // INTERNAL: write what is collected.
    caf::result<void>(finish_atom),
    // INTERNAL: the clock.
    caf::result<void>(tick_atom)>;

  static inline const char* name = "job_queue";

  job_queue_state(interface::pointer self, job_queue_config config, gateway_actor coordinator);
  ~job_queue_state();

  interface::behavior_type make_behavior();

private:
  using written = std::function<void(const store::expected<store::outcome>&)>;

  struct pending_operation {
    store::operation what;
    written then; ///< may be empty
  };

  struct worked_on {
    job_actor actor; ///< null while its assignment is being written
    uint32_t attempt = 0;
    std::optional<core::file_job_status> status;
  };

  /// Reads what earlier lives left: open jobs wait again, folders of ended ones go.
  bool recover();
  void recover(const store::open_job& x);

  void write(store::operation what, written then = {});
  void flush();
  void answer_all(std::vector<pending_operation> batch,
                  const store::expected<std::vector<store::expected<store::outcome>>>& results);

  caf::result<job_submitted> submit(const job_submission& x);
  caf::result<void> cancel(job_id id);
  caf::result<void> pause(job_id id);
  /// `resume` and `retry`: back into the queue from that state.
  caf::result<void> queue_again(job_id id, job_state from, const char* why);
  caf::result<void> remove(job_id id);
  caf::result<job_listing> list(const job_question& x);
  caf::result<job_details> show(job_id id);

  void enqueue(const store::job& x);
  void start_due();
  void assign(job_id id);
  void spawn(job_id id, uint32_t attempt);
  void take(const job_writes& x);
  void on_down(const caf::down_msg& x);
  void begin_again(const store::job& x);
  void ended(job_id id, uint32_t attempt);
  store::expected<std::vector<store::chunk>> chunks_of(job_id id);
  std::string folder_of(job_id id) const;

  interface::pointer self_;
  job_queue_config config_;
  gateway_actor coordinator_;
  std::optional<store::job_store> store_;
  core::job_order order_;
  std::map<job_id, worked_on> running_;
  std::vector<pending_operation> pending_;
  int64_t next_number_ = 1; ///< of jobs, in the order of their submission
  bool flush_due_ = false;
};

/// Ends at once, with the reason in its exit, where the store cannot be opened.
job_queue_actor spawn_job_queue(caf::actor_system& system, job_queue_config config, gateway_actor coordinator);

} // namespace troupe
