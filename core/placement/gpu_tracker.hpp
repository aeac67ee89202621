// Sessions on physical GPUs, over every worker that sees them.
//
// A card is one, however many workers and containers report it. A session counts from the moment it is promised to a lease, until the lease gives
// it back; the task that opens the encoder confirms it. What other programs hold is what the driver counts beyond ours, and is reconciled with each
// reading. Ours are in a reading for certain where the worker names them, else once they were confirmed `settle_after` before; between the least and the
// most that a reading can mean, the last estimate stands, so that our own sessions are not taken for foreign ones while they come and go.
//
// Sessions are to be given back when the process that holds them is gone, not when its work is no longer wanted: until then the driver counts them.
#pragma once

#include "core/breaker.hpp"
#include "core/placement/gpu_limits.hpp"
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

/// Above `from` a card takes no new work, until it is below `until` again.
struct gpu_guard {
  double from = 100;
  double until = 100;
};

/// The 90 % and 85 °C are those of the session tracking in the distributed transcoding design that this project started from.
struct gpu_guards {
  gpu_guard encoder_percent{90, 80};
  gpu_guard memory_percent{90, 85};
  gpu_guard temperature_celsius{85, 80};
};

struct gpu_tracker_config {
  gpu_guards guards;
  /// A session that was opened or closed may be missing from readings, or be in them, for so long. At least as long as a worker may be silent.
  milliseconds settle_after{3000};
  milliseconds back_off{10'000}; ///< the first after a failure; doubled by each that follows
  milliseconds max_back_off{300'000};
  std::map<std::string, gpu_override> overrides; ///< by `gpu_key`: before what workers are configured for
};

/// What a lease takes of a card.
struct session_need {
  bool encode = true;
  bool decode = false;

  bool operator==(const session_need&) const = default;
};

/// Why a card takes no more. In the order in which they are looked for.
enum class gpu_block : uint8_t { none, fault, failed, no_encoder, sessions, busy, memory, hot };

/// One card as the rest of the core and the API see it. What each placement reads stands first, close together.
struct gpu_view {
  gpu_id id;
  uint32_t ours_encode = 0;
  uint32_t ours_decode = 0;
  uint32_t foreign_encode = 0;
  bool busy = false;
  bool memory_full = false;
  bool hot = false;
  float use_percent = 0; ///< of the latest reading: the encoder's, else all of it; 0 where it has none
  float celsius = 0;     ///< of the latest reading
  gpu_limits limits;
  gpu_reading reading; ///< the latest
  std::string key;
  std::string machine_pool; ///< the cards that share one limit; empty where this one has its own
  gpu_description card;     ///< as the first of its workers describes it
  gpu_guards guards;

  uint32_t used_encode() const noexcept {
    return ours_encode + foreign_encode;
  }
};

/// What the tracker tells. Implementations must not call back into it from within these.
class gpu_effects {
public:
  virtual ~gpu_effects() = default;

  /// Anything of the card may have changed that decides what it can take, or how well.
  virtual void changed(gpu_id gpu) = 0;
};

class gpu_tracker {
public:
  gpu_tracker(gpu_tracker_config config, gpu_effects& effects) : config_(std::move(config)), effects_(effects) {}

  // -- what workers say -------------------------------------------------------

  /// A worker describes a card and what it measures, when it registers and with each heartbeat. Returns the card; none where it has no identity.
  gpu_id report(worker_id worker, const gpu_report& x, time_point now);

  /// The worker is gone. Where its tasks live on without it, their sessions stay until they are given back; else all of them are returned now, and
  /// giving one back later does nothing.
  void worker_lost(worker_id worker, bool tasks_live, time_point now);

  // -- sessions ---------------------------------------------------------------

  /// Takes what the lease needs of the card for a task of the worker. False, and nothing taken, where the card has no room (`objection` says why)
  /// or the lease has sessions already.
  bool promise(lease_id lease, worker_id worker, gpu_id gpu, session_need need, time_point now);

  /// The lease's task has its encoder open: the device works. False for a lease that has no promise.
  bool confirm(lease_id lease, time_point now);

  /// The lease's work ended as it should: the device is well, and its next back-off is a first one. Opening alone proves little.
  void worked(lease_id lease);

  /// Returns the lease's sessions; true the first time, false for one that holds none.
  bool give_back(lease_id lease, time_point now);

  /// The device failed for the worker, at open or later: it takes nothing from this worker until its back-off is over.
  void failed(worker_id worker, gpu_id gpu, std::string reason, time_point now);

  /// The clock: ends back-offs.
  void tick(time_point now);

  // -- views ------------------------------------------------------------------

  gpu_block block(worker_id worker, gpu_id gpu, session_need need) const;

  /// The same in words for people; empty where the card can take it.
  std::string objection(worker_id worker, gpu_id gpu, session_need need) const;

  const gpu_view* find(gpu_id gpu) const;
  const gpu_view* find(std::string_view key) const;

  /// The card of a worker's device.
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

  /// Share of the card's sessions that is in use, of all that its limit is shared with; 0 without a limit.
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

  /// A limit that cards share.
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
    pool* shared = nullptr; ///< the one that `view.machine_pool` names
    gpu_view view;
    std::map<worker_id, path> paths;
    std::vector<lease_id> leases;    ///< in no order
    std::deque<ended> ended_encodes; ///< the oldest first
  };

  struct holding {
    worker_id worker;
    gpu_id gpu;
    session_need need;
    bool confirmed = false;
    time_point confirmed_at;
    size_t place = 0; ///< in `gpu::leases`
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
  std::set<std::tuple<time_point, worker_id, gpu_id>> marks_; ///< back-offs by their ends
  uint64_t next_gpu_ = 1;
};

} // namespace troupe::core
