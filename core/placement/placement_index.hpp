// Placement of work: the workers' slots, the sessions of their GPUs and the list of waiting requests, combined.
//
// A request is placed at once if one of its rungs has room; else its policy decides between waiting and refusal. When
// room appears, the requests that wait for it are served in the same call; nothing polls. Room appears when a slot or
// session comes back, a card cools down, a back-off ends, or a worker joins.
#pragma once

#include "core/placement/exhaustion.hpp"
#include "core/placement/gpu_tracker.hpp"
#include "core/placement/placement.hpp"
#include "core/placement/waiting_list.hpp"
#include "messages/error.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::core {

/// The results of placement. Implementations of these methods must not call `placement_index`, except for `note_fares`.
class placement_effects {
public:
  virtual ~placement_effects() = default;

  /// The request has its place. The lease holds a slot, and also a session if `at.gpu` is set.
  virtual void placed(uint64_t ticket, lease_id lease, const choice& at, const rung& on) = 0;
  virtual void refused(uint64_t ticket, ec code, const std::string& why) = 0;
};

/// A device of a worker that registers, with what was proven on it.
struct device_offer {
  gpu_report report;
  std::vector<std::string> encoders;
  std::vector<std::string> decoders;
};

class placement_index : gpu_effects {
public:
  placement_index(placement_index_config config, placement_effects& effects)
    : waiting_max_(config.waiting_max),
      keeps_reasons_(config.reasons),
      effects_(effects),
      gpus_(std::move(config.gpus), *this),
      places_(config.choose) {}

  // -- workers ----------------------------------------------------------------

  /// A worker registers, or registers again. Leave `offer.devices` empty: it is derived from `devices`.
  void worker_added(worker_offer offer, const std::vector<device_offer>& devices, time_point now);

  /// A heartbeat of a worker.
  void worker_reports(worker_id worker, const std::vector<gpu_report>& cards, time_point now);
  void worker_fares(worker_id worker, const worker_condition& x, time_point now);

  /// Like `worker_fares`, but requests that wait for this room are placed only with the next event.
  void note_fares(worker_id worker, const worker_condition& x) {
    places_.set(worker, x);
  }

  /// The worker is gone: see `gpu_tracker::worker_lost`. Its leases must still be released.
  void worker_lost(worker_id worker, bool tasks_live, time_point now);

  // -- work -------------------------------------------------------------------

  /// Asks for room for `lease`. With `reject`, or with no time to wait, the request is placed or refused at once; else
  /// it waits until `deadline` at most.
  void request(uint64_t ticket, lease_id lease, const placement_request& x, exhaustion_policy policy,
               time_point deadline, time_point now);

  /// The same for a request that may wait for ever, at the given place in the waiting order.
  void request(uint64_t ticket, lease_id lease, const placement_request& x, waiting_place at, time_point now);

  /// The lease's place is unusable. The request looks for another one, at its old place in the order. It may get the
  /// same place only if no other can take it.
  void request_again(uint64_t ticket, lease_id lease, const placement_request& x, waiting_place at, time_point now);

  /// A task of this worker is already working without having been placed: it takes a slot, even if none is free.
  void adopt(lease_id lease, worker_id worker);

  /// The requester no longer wants a place.
  void withdraw(uint64_t ticket);

  /// The lease's task has opened its encoder. False if its session was returned in the meantime: then the task must
  /// end.
  bool confirm(lease_id lease, time_point now);

  /// The lease's work ended regularly. The lease must still be released.
  void worked(lease_id lease) {
    gpus_.worked(lease);
  }

  /// The lease's device refused: it is avoided for a while. The lease must be released and requested again.
  void device_failed(lease_id lease, const std::string& reason, time_point now);

  /// The slot of `from` is that of `to` from now on, which works in the same process and had none. `from` keeps its
  /// session, and must still be released.
  void hand_over(lease_id from, lease_id to);

  /// The lease's slot is free. It keeps its session, and must still be released.
  void free_slot(lease_id lease, time_point now);

  /// The lease's slot and session are free again: its process is gone, or never existed. False for a lease that is not
  /// held.
  bool release(lease_id lease, time_point now);

  void tick(time_point now);

  // -- views ------------------------------------------------------------------

  const gpu_tracker& gpus() const noexcept {
    return gpus_;
  }

  const placement& places() const noexcept {
    return places_;
  }

  const waiting_list& waiting() const noexcept {
    return waiting_;
  }

  size_t leases() const noexcept {
    return leases_.size();
  }

  /// The card on which the lease has a session; none for software.
  gpu_id gpu_of(lease_id lease) const {
    auto i = leases_.find(lease);
    return i == leases_.end() ? gpu_id{} : i->second.at.gpu;
  }

  /// For the latest placement: the place itself first, then rejected candidates with reasons.
  const std::vector<candidate>& reasons() const noexcept {
    return reasons_;
  }

  bool could_take(worker_id worker, const placement_request& x) const {
    return places_.could_take(worker, x);
  }

  /// Places the requests that wait for room that has appeared.
  void promote(time_point now);

  /// Where a request would go now, and why it would not go elsewhere.
  std::vector<candidate> explain(const placement_request& x) {
    return places_.explain(x, gpus_);
  }

private:
  /// What a lease has: a slot, unless it gave that away, and a session if `at.gpu` is set.
  struct holding {
    choice at;
    bool slot = true;
  };

  void changed(gpu_id gpu) override {
    changed_.push_back(gpu);
  }

  bool place(uint64_t ticket, lease_id lease, const placement_request& x, time_point now);

  /// Carries the changes of cards into the index.
  void update();

  void promote(std::vector<std::string> woken, time_point now);
  void hold(lease_id lease, choice at);
  void free_place(lease_id lease, time_point now);

  device_condition condition_of(worker_id worker, const gpu_view& card) const;
  std::string no_room(const placement_request& x);

  size_t waiting_max_;
  bool keeps_reasons_;
  placement_effects& effects_;
  gpu_tracker gpus_;
  placement places_;
  waiting_list waiting_;
  std::unordered_map<uint64_t, lease_id> tickets_; ///< leases of the waiting requests
  std::unordered_map<lease_id, holding> leases_;
  std::unordered_map<worker_id, std::vector<lease_id>> leases_of_; ///< by worker
  std::vector<gpu_id> changed_;
  std::vector<candidate> reasons_;
};

} // namespace troupe::core
