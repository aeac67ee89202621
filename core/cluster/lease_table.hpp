// Leases: who asked for a task process, which worker provides it, and who holds it until when.
//
// A request waits until a worker can take it (at most the selection timeout) and takes a slot there. Then it waits for
// a task process of that worker: it gets a warm one at once, else the next that joins. If the worker's host refuses,
// the next best worker is tried. A lease ends when it is released, when its owner or its task is gone, or when its
// worker is removed. Each of these frees the slot exactly once.
//
// A draining worker gets nothing new. Requests that wait for one of its processes look elsewhere. The owners of running
// leases are asked to move them, repeatedly, until they do or the drain is cancelled.
//
// The order to end a process may be lost with its host's connection, and the process may hang. So the processes that a
// host lists are compared with those that are wanted. A process that for some time neither serves a lease nor is known
// to wait for one is ended. The order is repeated until the process is gone.
//
// File work is patient: its requests wait without a limit, and are served after those of live work, in the order of
// their turn. If live work finds no free slot, the owner of a chunk that holds a slot is asked to give the slot back. A
// draining worker keeps its file work to the end.
//
// The `placement_index` decides where a request goes. It counts slots and the sessions of GPUs, and keeps the waiting
// requests. A slot is free when its lease is over. The session of a GPU is free when the process that held it is gone,
// as reported by its host.
//
// Ingest tasks run on the coordinator's own host, without a worker, and take no slot.
//
// Several leases may have one process: a request may name a lease beside which it wants to be. If it encodes video, it
// gets a slot on the same worker, and a session if it encodes on a GPU, or it is refused at once. Sound costs little:
// beside another lease it takes no slot. If it stays alone, it takes over the slot of the last lease that had one. The
// process ends with the last of its leases.
// A session is free with its lease if the process has told the owner that its encoder is closed. Otherwise, or if the
// session decodes for the others, too, it is free when the process is gone.
#pragma once

#include "core/cluster/config.hpp"
#include "core/cluster/lease_translation.hpp"
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

/// What the lease table wants done. Implementations of these methods must not call the lease table.
class lease_effects {
public:
  virtual ~lease_effects() = default;

  /// The request `ticket` has its task.
  virtual void grant(uint64_t ticket, const lease& x) = 0;
  virtual void refuse(uint64_t ticket, ec code, const std::string& why) = 0;

  /// The host must keep this many processes waiting from now on.
  virtual void want(worker_id host, uint32_t processes) = 0;

  /// Tells the host which work its process gets; answered by `assigned`.
  virtual void assign(worker_id host, task_id task, const work_label& label, lease_id id) = 0;

  /// Tells the host to end the process.
  virtual void end(worker_id host, task_id task) = 0;

  /// Asks the owner to move the lease's work to another worker, and then to release the lease. Repeated while the lease
  /// lives.
  virtual void move(uint64_t owner, lease_id id) = 0;

  /// Asks the owner of a chunk to stop it and release the lease, for live work. Repeated while the lease lives and the
  /// slot is wanted.
  virtual void give_back(uint64_t owner, lease_id id) = 0;

  /// Asks the host to report when the process is gone. Call `process_gone` then, or if the host cannot say.
  virtual void watch_end(worker_id host, task_id task) {
    (void)host;
    (void)task;
  }
};

class lease_table : placement_effects {
public:
  lease_table(lease_table_config config, worker_table& workers, lease_effects& effects)
    : config_(std::move(config)),
      workers_(workers),
      effects_(effects),
      places_(with_reasons(config_.places), *this),
      next_lease_(config_.first_lease) {}

  /// The coordinator's own host, which runs the ingest tasks.
  void set_ingest_host(worker_id host, time_point now);

  /// Grants a lease to a process that was already doing this work before this table existed. The lease is granted even
  /// if all slots are taken. It is refused if the worker is unknown, unless `last_resort` is set: no host can then end
  /// the process.
  void adopt(task_id task, worker_id host, const lease_request& x, uint64_t ticket, uint64_t owner, time_point now);

  /// `owner` stands for the actor that asks; its leases end with it.
  void request(const lease_request& x, uint64_t ticket, uint64_t owner, time_point now);

  void host_added(worker_id host, time_point now);

  /// The host is gone. Its tasks may live on: leases in use continue until their task or owner ends them; waiting
  /// requests look elsewhere.
  void host_lost(worker_id host, time_point now);

  /// The host reports its processes.
  void host_lists(worker_id host, const std::vector<task_statistics>& processes, time_point now);

  /// The host reports the measurements of its cards.
  void host_measures(worker_id host, const std::vector<gpu_report>& cards, time_point now);

  /// Number of leases that have this process.
  uint32_t outputs_of(task_id task) const;

  /// False if the host of the process is unknown, or if the process joined before: then the process must end.
  bool task_joined(task_id task, worker_id host, time_point now);

  /// The process is gone. Returns whether it served a lease.
  bool task_lost(task_id task, const lease_end& how, time_point now, int64_t unix_ms);

  /// The host's answer: what enforces the limits of its process, or why it does not provide the process.
  void assigned(lease_id id, bool accepted, const std::string& said, time_point now);

  void release(lease_id id, const lease_end& how, time_point now, int64_t unix_ms);

  /// The lease's task has opened its encoder. False if the lease is over: then the task must end.
  bool confirm(lease_id id, time_point now);

  /// The device of the lease refused its task. The worker is not to blame: only the device is avoided for a while.
  void device_failed(lease_id id, const std::string& reason, time_point now);

  /// The process has ended, so the GPU session that it held is free.
  void process_gone(task_id task, time_point now);

  void owner_lost(uint64_t owner, time_point now, int64_t unix_ms);

  /// The clock; also call it after any event that may have freed capacity.
  void tick(time_point now);

  /// The host of a process that works under limits; empty for any other process.
  std::optional<worker_id> host_of_limited(task_id task) const;

  /// The task of a lease in use.
  std::optional<task_id> task_of(lease_id id) const;

  /// For each request that waits for a place: its attempt, and how many requests for the same encoder are ahead of it.
  std::vector<std::pair<attempt_id, size_t>> waiting() const;

  /// Number of GPU sessions whose leases are over, but whose processes are not gone yet.
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

  /// Number of chunks whose owners were asked to give their slots back.
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
    time_point next_move;        ///< earliest time at which the owner is asked to move the lease or give it back
    bool given_back = false;     ///< a chunk whose owner was asked for its slot
    worker_id host;
    task_id task;
    bool has_slot = false;
    std::string refusals; ///< answers of the workers that refused
    encoder_seat seat;
    std::vector<placement_candidate> looked_at;
    std::optional<time_point> hopeless_since; ///< no worker has had its encoder since then
  };

  using entries = std::map<lease_id, entry>; // in the order of arrival

  /// The GPU session of a lease that is over.
  struct closing_session {
    lease_id lease;
    worker_id host;
  };

  struct host {
    std::deque<task_id> idle;
    uint32_t wanted = 0;
    std::map<task_id, time_point> useless; ///< listed processes that are not needed, and since when
  };

  bool is_ingest(const entry& e) const noexcept {
    return e.request.label.kind == work_kind::ingest;
  }

  bool is_file(const entry& e) const noexcept {
    return is_file_work(e.request.label.kind);
  }

  static placement_index_config with_reasons(placement_index_config x) {
    x.reasons = true;
    return x;
  }

  // placement_effects
  void placed(uint64_t ticket, lease_id id, const choice& at, const rung& on) override;
  void refused(uint64_t ticket, ec code, const std::string& why) override;

  /// The entry's position in the waiting order: live work first, then file work by its turn.
  waiting_place place_of(const entry& e) const noexcept;
  placement_request asked_by(const entry& e) const;
  void look_for_place(entry& e, const placement_request& asked, time_point now);
  void note_conditions();

  /// Why no worker takes the request; human-readable.
  std::string why_no_place(const entry& e);

  /// Places the request beside the lease that it names, or refuses it.
  void join(entry e, placement_request asked, time_point now);

  /// `limits` says what enforces the limits of the process.
  void grant(entry& e, const std::string& limits, time_point now);

  /// Frees the entry's place: its slot at once, and its session when its process has closed it or is gone.
  void leave_place(const entry& e, const lease_end& how, time_point now);

  /// The lease that takes over the entry's slot, because all leases that go on in its process have none; else null.
  entry* heir_of(const entry& e);

  /// Whether a lease has this process.
  bool serves(task_id task) const;

  /// True if no worker has had the wanted encoder for long, and the owner can do without it.
  bool is_hopeless(entry& e, time_point now);

  void progress(time_point now);

  /// Moves all work away from draining workers, except file work.
  void clear_draining(time_point now);

  /// Asks for the slots of chunks if live work waits for a slot.
  void claim_slots(time_point now);

  /// True if a process was found for the request. The host must still be told.
  bool find_process(entry& e, time_point now);

  void look_elsewhere(entry& e, const std::string& why, time_point now);
  void settle(entries::iterator i, const lease_end& how, time_point now, int64_t unix_ms);
  void book_end(const entry& e, const lease_end& how, time_point now, int64_t unix_ms);
  void want_processes();

  lease_table_config config_;
  worker_table& workers_;
  lease_effects& effects_;
  placement_index places_;
  std::unordered_multimap<task_id, closing_session> closing_; ///< by their processes, which are not gone yet
  time_point now_;                                            ///< of the current event
  bool placed_some_ = false;                                  ///< a request got its place since this was last reset
  worker_id ingest_host_;
  entries entries_;
  std::map<worker_id, host> hosts_;
  std::unordered_map<task_id, worker_id> tasks_;
  std::deque<task_end> ingest_ends_;
  uint64_t next_lease_;
  uint64_t chunks_given_back_ = 0;
};

} // namespace troupe::core
