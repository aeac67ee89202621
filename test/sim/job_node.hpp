// Simulations of the actors around the job book: a job, the queue, and the registry. Each does the same as its actor in
// actors/ between messages and decisions.
#pragma once

#include "test/sim/job_world.hpp"
#include "test/sim/job_writer_node.hpp"

#include "core/cluster/worker_table.hpp"
#include "core/jobs/file_job.hpp"
#include "core/jobs/job_book.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::sim {

/// Sends a message to a receiver that may be gone when it arrives.
template <class T, class F>
void send(world& w, duration wait, const std::shared_ptr<T>& to, F what) {
  w.after(wait, [weak = std::weak_ptr<T>{to}, what = std::move(what)]() mutable {
    if (auto x = weak.lock())
      what(*x);
  });
}

inline constexpr duration at_once = 50us; ///< within a process, in order

/// Simulates a job: actors/jobs/job.cpp.
class job_node : public core::file_job_effects, public std::enable_shared_from_this<job_node> {
public:
  job_node(job_world& w, const std::shared_ptr<job_queue_node>& queue, core::file_job_begin begin,
           std::map<uint32_t, uint32_t> chunk_attempts, job_id id);

  void begin();

  const job_id id;
  const uint32_t attempt;
  const uint64_t owner;
  const time_point since;
  std::set<std::string> spoiled; ///< files of chunks that it has discarded

  // -- messages --------------------------------------------------------------------
  void granted(attempt_id a, const troupe::lease& held, const job_task_ptr& task);
  void not_granted(attempt_id a, bool encoder_gone);
  void on(const file_progress& x, const job_task_ptr& from);
  /// True if the result is accepted: the task may end.
  void on(const file_result& x, const job_task_ptr& from);
  void task_down(const job_task_ptr& t);
  void halt();
  void end();
  void give_back(lease_id x);
  void offer(const job_task_ptr& t, std::function<void(bool)> answer);
  void stored();
  void refused();
  void tick();
  /// The job's actor has died: it does nothing more, and those who wait for it are told.
  void vanish();

  // -- core::file_job_effects --------------------------------------------------------
  void lease(attempt_id a, const lease_request& x) override;
  void start(const file_work& x) override;
  void attach(attempt_id a) override;
  void device_failed(attempt_id a, const std::string& why) override;
  void stop(attempt_id a, const lease_end& how) override;
  void at_work(const std::string& why) override;
  void planned(const std::vector<core::file_chunk>& chunks) override;
  void chunk_began(uint32_t number, const troupe::lease& held) override;
  void chunk_ended(uint32_t number, const std::string& path, const chunk_done& x) override;
  void chunk_waits(uint32_t number, uint32_t failures, const std::string& why) override;
  void chunk_spoiled(uint32_t number, const std::string& why) override;
  void completed(const file_published& x) override;
  void failed(failure_kind kind, const std::string& why) override;

private:
  struct work_in_hand {
    troupe::lease held;
    job_task_ptr task;
  };

  struct orphan {
    job_task_ptr task;
    std::function<void(bool)> answer;
    time_point since;
    bool asked = false;
  };

  store_op move_to(job_state to) const;
  store_op chunk_to(uint32_t number, chunk_state to) const;
  void send_writes();
  void leave();
  void quit();
  void consider_orphans();
  void adopt(orphan x, const troupe::lease& held);

  job_world& world_;
  std::weak_ptr<job_queue_node> queue_;
  std::weak_ptr<job_registry> registry_;
  core::file_job job_;
  std::map<attempt_id, work_in_hand> attempts_;
  std::set<task_id> leaving_;
  std::map<uint32_t, uint32_t> chunk_attempts_;
  std::map<uint32_t, std::string> paths_;
  std::vector<orphan> orphans_;
  std::optional<work_in_hand> adopted_;
  std::vector<store_op> writes_;
  std::optional<time_point> over_since_;
  bool keeps_folder_ = false;
  bool completed_ = false;
  bool planned_before_ = false;
  bool gone_ = false;
};

/// The queue: actors/jobs/job_queue.cpp.
class job_queue_node : public core::job_book_effects,
                       public core::job_journal_effects<store_op, job_store::result>,
                       public std::enable_shared_from_this<job_queue_node> {
public:
  explicit job_queue_node(job_world& w);

  /// Reads the jobs in the store.
  void start();

  // -- users' commands ----------------------------------------------------------------
  void submit(job_id id);
  void ask(const core::job_way& x);
  void remove(job_id id);

  // -- messages -----------------------------------------------------------------------
  void take(const std::shared_ptr<job_node>& from, const std::vector<store_op>& ops);
  void job_down(job_id id, uint32_t attempt);
  void take_in(const job_task_ptr& t, std::function<void(bool)> answer);
  void tick();

  void check_orphans() const;
  /// The queue has died: those who wait for it are told. What it had collected is still on its way to the store.
  void vanish();

  const std::shared_ptr<job_writer_node>& writer() const {
    return writer_;
  }

  bool outage() const {
    return journal_.outage().has_value();
  }

  std::shared_ptr<job_node> find(job_id id) const;

  // -- core::job_journal_effects ---------------------------------------------------------
  void send_batch(job_batch x) override;
  void answered(const store_op&, const job_store::result&, int64_t) override {}
  void surprised(const store_op& what) override;

  // -- core::job_book_effects ------------------------------------------------------------
  void write(const core::job_way& x) override;
  void chunk_waits(const core::job_row& of, uint32_t number) override;
  void load(const std::vector<job_id>& ids) override;
  void look(job_id id) override;
  std::optional<std::string> begin(const core::job_row& x, uint32_t attempt, uint64_t turn) override;
  void halt(job_id id) override;
  void end(job_id id) override;
  void wake() override;
  void hand_over(uint64_t orphan, job_id to) override;
  void turn_away(uint64_t orphan, const std::string& why) override;
  void keep_folder(job_id, int64_t) override {}
  void use_folder(job_id) override {}
  void drop_folder(job_id id) override;
  void left_alone(const core::job_row& x) override;

private:
  struct waiting_orphan {
    job_id of;
    job_task_ptr task;
    std::function<void(bool)> answer;
    time_point since;
  };

  using written = std::function<void(job_store::result)>;

  void write(store_op x, written then = {});
  void write_for_client(store_op x, written then);
  void take(const job_writer_node::answer& x);
  store_op to_op(const core::job_way& x) const;
  core::job_row told(core::job_row x) const;
  /// Reads through its own connection, one request after the other. `then` gets null if the store does not answer.
  void read(std::vector<job_id> ids, std::function<void(const std::vector<stored_job>*)> then);

  job_world& world_;
  std::shared_ptr<job_writer_node> writer_;
  core::job_journal<store_op, job_store::result> journal_;
  core::job_book book_;
  std::map<job_id, std::weak_ptr<job_node>> at_work_;
  std::map<uint64_t, waiting_orphan> orphans_;
  uint64_t next_orphan_ = 1;
  const std::vector<stored_job>* at_hand_ = nullptr;
  time_point reader_free_;
  time_point answered_; ///< the latest answer of the reader
  bool woken_ = false;
};

/// Simulates the registry: actors/cluster/daemon_registry.cpp.
class job_registry : public core::lease_effects, public std::enable_shared_from_this<job_registry> {
public:
  job_registry(job_world& w, uint64_t first_lease);

  bool add(const registration& x);
  /// False for a machine that has to register first.
  bool beat(const job_machine& m);
  void host_down(worker_id id);
  bool joined(const job_task_ptr& t);
  void task_down(task_id id, bool in_order);
  void process_gone(task_id id);
  void request(const lease_request& x, const std::shared_ptr<job_node>& owner);
  void adopt(const job_task_ptr& t, const lease_request& x, const std::shared_ptr<job_node>& owner,
             std::function<void(const troupe::lease*)> answer);
  void release(lease_id id, const lease_end& how);
  void device_failed(lease_id id, const std::string& why);
  void owner_lost(uint64_t owner);
  /// Somebody watches a channel for a while.
  void live_work(duration span);
  void tick();

  bool has(lease_id id) const {
    return leases_.task_of(id).has_value();
  }
  size_t leases() const {
    return leases_.leases();
  }

  // -- core::lease_effects -------------------------------------------------------------------
  void grant(uint64_t ticket, const lease& x) override;
  void refuse(uint64_t ticket, ec code, const std::string& why) override;
  void want(worker_id host, uint32_t processes) override;
  void assign(worker_id host, task_id task, const work_label& label, lease_id id) override;
  void end(worker_id host, task_id task) override;
  void move(uint64_t, lease_id) override {}
  void give_back(uint64_t owner, lease_id id) override;
  void watch_end(worker_id host, task_id task) override;

private:
  struct waiting {
    attempt_id attempt;
    std::weak_ptr<job_node> owner;
    std::function<void(const troupe::lease*)> adopter = {};
    duration live{0};
  };

  bool lives(const std::shared_ptr<job_node>& owner) const;

  job_world& world_;
  core::worker_table table_;
  core::lease_table leases_;
  std::map<task_id, job_task_ptr> tasks_;
  std::map<uint64_t, waiting> waiting_;
  std::map<uint64_t, std::weak_ptr<job_node>> owners_;
  std::set<task_id> watched_;
  std::set<worker_id> hosts_;
  uint64_t next_ticket_ = 1;
  uint64_t beats_ = 0;
};

} // namespace troupe::sim
