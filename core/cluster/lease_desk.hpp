// Leases: who asked for a task process, which worker gives it, and who has it until when.
//
// A request waits until a worker can take it (at most the selection timeout), takes a slot there, then waits for a task process of
// that worker: a warm one at once, else the next that joins. The worker's host may refuse; then the next best worker is tried. A lease ends when it is
// released, when its owner or its task is gone, or when its worker is removed; each of these frees the slot exactly once.
//
// A worker that drains gets nothing new: what waits for one of its processes looks elsewhere, and the owners of what works there are asked
// to move it, again and again until they did or the worker is taken back.
//
// The word to end a process may be lost with its host's connection, and the process may hang. So what a host says it has is compared with what is
// wanted there: a process that for long neither serves a lease nor waits for one is ended, again and again until it is gone.
//
// File work is patient: its requests wait without a limit, and are served after those of live work, by their turn. Where live
// work finds no free slot, the owner of a chunk that holds one is asked to give it back. A worker that drains keeps its file work to the end.
//
// Where a request goes is decided by the placement desk, which counts slots and the sessions of GPUs, and keeps who waits for them. A slot is free when its
// lease is over; the session of a GPU when the process that held it is gone, which its host tells.
//
// Ingest tasks run on the coordinator's own host, beside no worker, and take no slot.
#pragma once

#include "core/cluster/lease_placement.hpp"
#include "core/cluster/worker_table.hpp"
#include "messages/cluster.hpp"
#include "messages/daemon.hpp"
#include "messages/error.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::core {

struct lease_desk_config {
  milliseconds selection_timeout{5000};
  milliseconds process_timeout{
    2000};                 ///< how long a chosen worker may take to bring up a process before the next one is tried
  uint32_t warm_tasks = 1; ///< processes that wait for work on each worker
  uint32_t warm_ingest_tasks = 1;   ///< the same on the coordinator
  size_t requests_max = 10'000;     ///< requests that may wait
  milliseconds move_interval{1000}; ///< between two requests to move the same lease
  /// How long a process may be of no use before its host is told to end it. One that comes up has not joined yet, and those of an earlier
  /// coordinator end by themselves within `task.orphan_timeout`.
  milliseconds useless_timeout{15'000};
  milliseconds orphan_timeout{60'000}; ///< the same for one that makes a chunk: its job may still come for it
  /// The number of the first lease. Desks that follow one another on the same owners count from different ones: an owner may release what it
  /// got from an earlier desk.
  uint64_t first_lease = 1;
  milliseconds queue_timeout{60'000}; ///< how long a wish with the policy `queue` waits, where it does not say itself
  /// How long no worker may have the encoder that a `replaceable` request wants: one may be on its way back.
  milliseconds encoder_timeout{60'000};
  placement_desk_config places = {};
};

/// What the desk wants done. Implementations must not call back into the desk from within these.
class lease_effects {
public:
  virtual ~lease_effects() = default;

  /// The request `ticket` has its task.
  virtual void grant(uint64_t ticket, const lease& x) = 0;
  virtual void refuse(uint64_t ticket, ec code, const std::string& why) = 0;

  /// The host keeps that many processes waiting from now on.
  virtual void want(worker_id host, uint32_t processes) = 0;

  /// Tells the host what its process works for; answered by `assigned`.
  virtual void assign(worker_id host, task_id task, const work_label& label, lease_id id) = 0;

  /// Tells the host to end the process.
  virtual void end(worker_id host, task_id task) = 0;

  /// Asks the owner to take the lease's work to another worker and then to release it. Comes again while the lease lives.
  virtual void move(uint64_t owner, lease_id id) = 0;

  /// Asks the owner of a chunk to stop and release it, for live work. Comes again while the lease lives and the slot is wanted.
  virtual void give_back(uint64_t owner, lease_id id) = 0;

  /// The host is to say when the process is gone: `process_gone` is to be called then, or where it cannot say.
  virtual void watch_end(worker_id host, task_id task) {
    (void)host;
    (void)task;
  }
};

class lease_desk : placement_effects {
public:
  lease_desk(lease_desk_config config, worker_table& workers, lease_effects& effects)
    : config_(std::move(config)),
      workers_(workers),
      effects_(effects),
      places_(with_reasons(config_.places), *this),
      next_lease_(config_.first_lease) {}

  /// The coordinator's own host, which runs the ingest tasks.
  void set_ingest_host(worker_id host, time_point now);

  /// A process that was at this work before this desk was there, and goes on with it: it gets a lease of its own, even where all slots are
  /// taken. Where its worker is unknown that is refused, unless as a last resort: then nobody can end the process but itself.
  void adopt(task_id task, worker_id host, const lease_request& x, uint64_t ticket, uint64_t owner, time_point now);

  /// `owner` stands for the actor that asks; its leases end with it.
  void request(const lease_request& x, uint64_t ticket, uint64_t owner, time_point now);

  void host_added(worker_id host, time_point now);

  /// The host is gone. Its tasks may live on: leases in use go on until their task or owner ends them, waiting ones look elsewhere.
  void host_lost(worker_id host, time_point now);

  /// The host says which processes it has.
  void host_lists(worker_id host, const std::vector<task_statistics>& processes, time_point now);

  /// The host says what its cards measure.
  void host_measures(worker_id host, const std::vector<gpu_report>& cards, time_point now);

  /// False for a process of an unknown host, or one that joined before: it is to end.
  bool task_joined(task_id task, worker_id host, time_point now);

  /// The process is gone. Returns the lease that it served.
  std::optional<lease_id> task_lost(task_id task, const lease_end& how, time_point now, int64_t unix_ms);

  /// The host's answer: what enforces the limits of its process, or why it does not give it.
  void assigned(lease_id id, bool accepted, const std::string& said, time_point now);

  void release(lease_id id, const lease_end& how, time_point now, int64_t unix_ms);

  /// The lease's task has its encoder open. False where the lease is over: the task is to end.
  bool confirm(lease_id id, time_point now);

  /// The device of the lease refused its task, which is none of the worker's fault: the device is left alone for a while.
  void device_failed(lease_id id, const std::string& reason, time_point now);

  /// The process has ended, and with it whatever it held.
  void process_gone(task_id task, time_point now);

  void owner_lost(uint64_t owner, time_point now, int64_t unix_ms);

  /// The clock; also call after anything that may have freed capacity.
  void tick(time_point now);

  /// The host of a process that works under limits.
  std::optional<worker_id> host_of_limited(task_id task) const;

  /// The task of a lease in use.
  std::optional<task_id> task_of(lease_id id) const;

  /// How many stand before the request of that attempt in the line for its encoder; nothing where it does not wait for a place.
  std::vector<std::pair<attempt_id, size_t>> waiting() const;

  /// Sessions of GPUs whose leases are over and whose processes are not gone yet.
  size_t closing() const noexcept {
    return closing_.size();
  }

  const gpu_tracker& gpus() const noexcept {
    return places_.gpus();
  }

  /// The cards of a worker.
  std::vector<gpu_status> gpus_of(worker_id host) const;

  /// The latest ends of tasks on the coordinator's host, latest first.
  const std::deque<task_end>& ingest_ends() const noexcept {
    return ingest_ends_;
  }

  size_t leases() const noexcept {
    return entries_.size();
  }

  /// Chunks whose owners were asked to give their slots back.
  uint64_t chunks_given_back() const noexcept {
    return chunks_given_back_;
  }

private:
  enum class phase : uint8_t { waiting_worker, waiting_process, assigning, granted };

  struct entry {
    lease_id id;
    lease_request request;
    uint64_t ticket = 0;
    uint64_t owner = 0;
    phase state = phase::waiting_worker;
    time_point deadline;         ///< of the whole request
    time_point process_deadline; ///< of `waiting_process` and `assigning`
    time_point next_move;        ///< not before then the owner is asked to move it, or to give it back
    bool given_back = false;     ///< a chunk whose owner was asked for its slot
    worker_id host;
    task_id task;
    std::string refusals; ///< what workers said that did not take it
    encoder_seat seat;
    std::vector<placement_candidate> looked_at;
    std::optional<time_point> hopeless_since; ///< no worker has its encoder since then
  };

  using entries = std::map<lease_id, entry>; // in the order of arrival

  /// The session of a lease that is over.
  struct closing_session {
    lease_id lease;
    worker_id host;
  };

  struct host {
    std::deque<task_id> idle;
    uint32_t wanted = 0;
    std::map<task_id, time_point> useless; ///< processes that it lists and nobody needs, and since when
  };

  bool is_ingest(const entry& e) const noexcept {
    return e.request.label.kind == work_kind::ingest;
  }

  bool is_file(const entry& e) const noexcept {
    return is_file_work(e.request.label.kind);
  }

  static placement_desk_config with_reasons(placement_desk_config x) {
    x.reasons = true;
    return x;
  }

  // placement_effects
  void placed(uint64_t ticket, lease_id id, const choice& at, const rung& on) override;
  void refused(uint64_t ticket, ec code, const std::string& why) override;

  /// Where the entry stands among those that wait: live work first, then file work by its turn.
  waiting_place place_of(const entry& e) const noexcept;
  placement_request asked_by(const entry& e) const;
  void look_for_place(entry& e, const placement_request& asked, time_point now);
  void note_conditions();

  /// Why nobody takes it, for people.
  std::string why_no_place(const entry& e);

  /// Frees what the entry's place takes: at once, or when its process is gone where that holds a session.
  void leave_place(const entry& e, time_point now);

  /// True for a process that a lease has.
  bool serves(task_id task) const;

  /// No worker has had the encoder for long that the request wants, and its owner can do without.
  bool is_hopeless(entry& e, time_point now);

  void progress(time_point now);

  /// Moves everything away from workers that drain.
  void clear_draining(time_point now);

  /// Asks for the slots of chunks where live work waits for one.
  void claim_slots(time_point now);

  /// True where the request has found its worker and process: they are still to be told.
  bool find_process(entry& e, time_point now);

  void look_elsewhere(entry& e, const std::string& why, time_point now);
  void settle(entries::iterator i, const lease_end& how, time_point now, int64_t unix_ms);
  void book_end(const entry& e, const lease_end& how, time_point now, int64_t unix_ms);
  void want_processes();

  lease_desk_config config_;
  worker_table& workers_;
  lease_effects& effects_;
  placement_desk places_;
  std::unordered_map<task_id, closing_session> closing_; ///< by their processes, which are not gone yet
  time_point now_;                                       ///< of the event under way
  bool placed_some_ = false;                             ///< a request got its place since this was last false
  worker_id ingest_host_;
  entries entries_;
  std::map<worker_id, host> hosts_;
  std::unordered_map<task_id, worker_id> tasks_;
  std::deque<task_end> ingest_ends_;
  uint64_t next_lease_;
  uint64_t chunks_given_back_ = 0;
};

} // namespace troupe::core
