// Sessions on physical GPUs, across all workers that see them.
//
// A card is counted once, however many workers and containers report it. A session counts from its promise to a lease
// until the lease gives it back; the task that opens the encoder confirms it. Foreign sessions are those of other
// programs: the driver's count minus ours, updated with each reading. A reading certainly includes our sessions if the
// worker names them, or if they were confirmed at least `settle_after` before. Otherwise a reading gives only a range,
// and the last estimate is moved into that range if it is outside. So our own sessions are not taken for foreign ones
// while they open and close.
//
// Give sessions back when the process that holds them is gone, not when its work is no longer wanted: until then the
// driver counts them.
#pragma once

#include "core/breaker.hpp"
#include "core/placement/config.hpp"
#include "messages/gpu.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::core {

/// One physical card, for the life of a tracker. The default value stands for no card: software.
using gpu_id = id<struct gpu_tag>;

/// The sessions that a lease takes on a card.
struct session_need {
  bool encode = true;
  bool decode = false;

  bool operator==(const session_need&) const = default;
};

/// Why a card takes no more work, in the order in which the reasons are checked.
enum class gpu_block : uint8_t { none, fault, failed, no_encoder, sessions, busy, memory, hot };

/// One card as the rest of the core and the API see it. The fields that each placement reads come first, close
/// together.
struct gpu_view {
  gpu_id id;
  uint32_t ours_encode = 0;
  uint32_t ours_decode = 0;
  uint32_t foreign_encode = 0;
  bool busy = false;
  bool memory_full = false;
  bool hot = false;
  float use_percent = 0; ///< of the latest reading: the encoder's, else the whole GPU's; 0 if not measured
  float celsius = 0;     ///< of the latest reading
  gpu_limits limits;
  gpu_reading reading; ///< the latest
  std::string key;
  std::string machine_pool; ///< names the cards that share one limit; empty if this card has its own
  gpu_description card;     ///< as described by the first of its workers
  gpu_guards guards;

  uint32_t used_encode() const noexcept {
    return ours_encode + foreign_encode;
  }
};

/// What the tracker reports. Implementations of these methods must not call the tracker.
class gpu_effects {
public:
  virtual ~gpu_effects() = default;

  /// Something about the card changed that may affect what it can take, or how well.
  virtual void changed(gpu_id gpu) = 0;
};

class gpu_tracker {
public:
  gpu_tracker(gpu_tracker_config config, gpu_effects& effects) : config_(std::move(config)), effects_(effects) {}

  // -- reports of workers -----------------------------------------------------

  /// A worker describes a card and its measurements, at registration and with each heartbeat. Returns the card; none if
  /// it has no identity.
  gpu_id report(worker_id worker, const gpu_report& x, time_point now);

  /// The worker is gone. If its tasks live on without it, their sessions stay until they are given back. Otherwise all
  /// of them are returned now, and giving one back later has no effect.
  void worker_lost(worker_id worker, bool tasks_live, time_point now);

  // -- sessions ---------------------------------------------------------------

  /// Takes the sessions that the lease needs on the card, for a task of the worker. Returns false and takes nothing if
  /// the card has no room (`objection` says why), or if the lease already has sessions.
  bool promise(lease_id lease, worker_id worker, gpu_id gpu, session_need need, time_point now);

  /// The lease's task has opened its encoder: the device works. False for a lease that has no promise.
  bool confirm(lease_id lease, time_point now);

  /// The lease's work ended regularly: the device is well, and its next back-off is the shortest one again. Opening the
  /// encoder alone proves little.
  void worked(lease_id lease);

  /// Returns the lease's sessions. True the first time, false if the lease holds none.
  bool give_back(lease_id lease, time_point now);

  /// The device failed for the worker, at open or later: it takes no work from this worker until its back-off is over.
  void failed(worker_id worker, gpu_id gpu, std::string reason, time_point now);

  /// The clock: ends back-offs.
  void tick(time_point now);

  // -- views ------------------------------------------------------------------

  gpu_block block(worker_id worker, gpu_id gpu, session_need need) const;

  /// The same as human-readable text; empty if the card can take the work.
  std::string objection(worker_id worker, gpu_id gpu, session_need need) const;

  const gpu_view* find(gpu_id gpu) const;
  const gpu_view* find(std::string_view key) const;

  /// The card behind a device of the worker.
  gpu_id device(worker_id worker, std::string_view name) const;

  /// Calls `f` with each worker that sees the card.
  template <class F>
  void each_worker(gpu_id gpu, F&& f) const {
    if (auto i = gpus_.find(gpu); i != gpus_.end())
      for (auto& [worker, p] : i->second.paths)
        f(worker);
  }

  /// Calls `f` with each card that the worker sees, and with its name for it.
  template <class F>
  void each_card(worker_id worker, F&& f) const {
    if (auto i = cards_of_.find(worker); i != cards_of_.end())
      for (auto id : i->second)
        f(gpus_.at(id).view, gpus_.at(id).paths.at(worker).device);
  }

  /// The card on which the lease has sessions.
  gpu_id gpu_of(lease_id lease) const;

  /// Share of the card's sessions in use, counted across all cards that share its limit; 0 without a limit.
  double session_load(gpu_id gpu) const;

  size_t promised() const noexcept {
    return leases_.size();
  }

  size_t size() const noexcept {
    return gpus_.size();
  }

private:
  /// A card as one worker reaches it.
  struct path {
    bool marked = false;
    time_point until;         ///< no work before then; meaningful while `marked`
    milliseconds back_off{0}; ///< of the latest failure
    std::string fault;
    std::string failure;
    std::string device;
    gpu_override for_gpu, for_worker;
  };

  /// A limit that several cards share.
  struct pool {
    session_limit limit;
    std::set<gpu_id> members;
    uint64_t used = 0;
  };

  /// A session that was given back and may still be in readings.
  struct ended {
    lease_id lease;
    worker_id worker;
    time_point at;
  };

  struct gpu {
    pool* shared = nullptr; ///< the pool that `view.machine_pool` names
    gpu_view view;
    std::map<worker_id, path> paths;
    std::vector<lease_id> leases;    ///< unordered
    std::deque<ended> ended_encodes; ///< oldest first
  };

  struct holding {
    worker_id worker;
    gpu_id gpu;
    session_need need;
    bool confirmed = false;
    time_point confirmed_at;
    size_t place = 0; ///< index in `gpu::leases`
  };

  const path* path_of(worker_id worker, gpu_id gpu) const;
  bool sessions_left(const gpu& g, session_need need) const;
  std::string sessions_text(const gpu& g) const;
  void set_limits(gpu& g);
  void leave_pool(gpu& g);
  void reconcile(gpu& g, worker_id worker, const gpu_report& x, time_point now);
  void add_used(gpu& g, int64_t change);
  void release(gpu& g, lease_id lease, const holding& x, time_point now);
  void tell(const gpu& g);
  void forget_if_unused(gpu_id gpu);

  gpu_tracker_config config_;
  gpu_effects& effects_;
  std::unordered_map<gpu_id, gpu> gpus_;
  std::unordered_map<std::string, gpu_id> keys_;
  std::unordered_map<lease_id, holding> leases_;
  std::unordered_map<worker_id, std::set<gpu_id>> cards_of_; ///< what each worker reports
  std::unordered_map<std::string, pool> pools_;
  std::set<std::tuple<time_point, worker_id, gpu_id>> marks_; ///< back-offs by the time at which they end
  uint64_t next_gpu_ = 1;
};

} // namespace troupe::core
