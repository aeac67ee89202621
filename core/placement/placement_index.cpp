#include "core/placement/placement_index.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

namespace {

constexpr size_t reasons_told = 8; ///< reasons given in a refusal
constexpr size_t cards_max = 256;  ///< cards in a worker's heartbeat

} // namespace

device_condition placement_index::condition_of(worker_id worker, const gpu_view& card) const {
  auto room = gpus_.block(worker, card.id, {}) == gpu_block::none;
  return {static_cast<float>(gpus_.session_load(card.id)), card.use_percent, card.celsius, card.used_encode(), room};
}

void placement_index::update() {
  std::sort(changed_.begin(), changed_.end());
  changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  for (auto id : changed_)
    if (auto* card = gpus_.find(id))
      gpus_.each_worker(id, [&](worker_id worker) { places_.set(worker, id, condition_of(worker, *card)); });
  changed_.clear();
}

void placement_index::promote(time_point now) {
  update();
  promote(places_.take_woken(), now);
}

void placement_index::promote(std::vector<std::string> woken, time_point now) {
  // A placed request takes room from others and never makes any: one round is enough.
  if (woken.empty() || waiting_.size() == 0)
    return;
  waiting_.try_all(woken, [&](uint64_t ticket, const placement_request& x) {
    auto lease = tickets_.at(ticket);
    if (!place(ticket, lease, x, now))
      return false;
    tickets_.erase(ticket);
    return true;
  });
}

bool placement_index::place(uint64_t ticket, lease_id lease, const placement_request& x, time_point now) {
  assert(!leases_.contains(lease));
  auto at = places_.choose(x);
  if (!at)
    return false;
  assert(at->rung < x.rungs.size());
  if (keeps_reasons_)
    reasons_ = places_.explain(x, gpus_);
  // A session of the card's decoder is taken, too, if one is free; otherwise software can decode.
  at->decodes = at->decodes && !x.only && gpus_.promise(lease, at->worker, at->gpu, {true, true}, now);
  if (at->gpu && !at->decodes && !gpus_.promise(lease, at->worker, at->gpu, {}, now))
    return false;
  places_.take(*at);
  hold(lease, *at);
  update();
  effects_.placed(ticket, lease, *at, x.rungs[at->rung]);
  return true;
}

// -- workers ------------------------------------------------------------------

void placement_index::worker_added(worker_offer offer, const std::vector<device_offer>& devices, time_point now) {
  auto again = places_.contains(offer.id);
  offer.devices.clear();
  for (auto& d : devices)
    if (auto id = gpus_.report(offer.id, d.report, now))
      offer.devices.push_back({id, d.report.card.device, d.encoders, d.decoders});
  places_.add(offer);
  // Tasks that outlived their worker's connection still use its slots.
  if (auto held = leases_of_.find(offer.id); held != leases_of_.end() && !again)
    for (auto lease : held->second)
      if (auto& x = leases_.at(lease); x.slot)
        places_.take(x.at);
  for (auto& d : offer.devices)
    changed_.push_back(d.gpu);
  promote(now);
}

void placement_index::worker_reports(worker_id worker, const std::vector<gpu_report>& cards, time_point now) {
  if (!places_.contains(worker))
    return;
  for (size_t i = 0; i < cards.size() && i < cards_max; ++i)
    gpus_.report(worker, cards[i], now);
  promote(now);
}

void placement_index::worker_fares(worker_id worker, const worker_condition& x, time_point now) {
  places_.set(worker, x);
  promote(now);
}

void placement_index::worker_lost(worker_id worker, bool tasks_live, time_point now) {
  places_.remove(worker);
  gpus_.worker_lost(worker, tasks_live, now);
  promote(now);
}

// -- work ---------------------------------------------------------------------

std::string placement_index::no_room(const placement_request& x) {
  if (!places_.could_ever(x))
    return "no worker has proven a suitable encoder";
  std::string result = "no worker has room";
  size_t told = 0;
  for (auto& c : places_.explain(x, gpus_)) {
    if (++told > reasons_told)
      break;
    result += (told == 1 ? ": " : "; ") + c.worker_name + (c.device.empty() ? "" : " " + c.device) + " " + c.why_not;
  }
  return result;
}

void placement_index::request(uint64_t ticket, lease_id lease, const placement_request& x, exhaustion_policy policy,
                              time_point deadline, time_point now) {
  if (leases_.contains(lease) || tickets_.contains(ticket)) {
    effects_.refused(ticket, ec::invalid_argument, "the lease or the ticket is in use");
    return;
  }
  promote(now);
  if (place(ticket, lease, x, now))
    return;
  if (policy == exhaustion_policy::reject || deadline <= now)
    effects_.refused(ticket, ec::no_worker, no_room(x));
  else if (waiting_.size() >= waiting_max_)
    effects_.refused(ticket, ec::limit, "too many wait already; " + no_room(x));
  else {
    tickets_.emplace(ticket, lease);
    waiting_.add(ticket, x, deadline);
  }
}

void placement_index::request(uint64_t ticket, lease_id lease, const placement_request& x, waiting_place at,
                              time_point now) {
  assert(!tickets_.contains(ticket));
  promote(now);
  if (place(ticket, lease, x, now))
    return;
  tickets_.emplace(ticket, lease);
  waiting_.add(ticket, x, time_point::max(), at);
}

void placement_index::request_again(uint64_t ticket, lease_id lease, const placement_request& x, waiting_place at,
                                    time_point now) {
  if (leases_.contains(lease))
    free_place(lease, now);
  assert(!tickets_.contains(ticket));
  tickets_.emplace(ticket, lease);
  waiting_.add(ticket, x, time_point::max(), at);
  update();
  auto woken = places_.take_woken();
  for (auto& r : x.rungs)
    woken.push_back(r.encoder);
  promote(std::move(woken), now);
}

void placement_index::adopt(lease_id lease, worker_id worker) {
  assert(!leases_.contains(lease));
  choice at{worker, {}, {}, slot_kind::cpu, 0};
  places_.take(at);
  hold(lease, at);
}

void placement_index::hold(lease_id lease, choice at) {
  leases_of_[at.worker].push_back(lease);
  leases_.emplace(lease, holding{std::move(at)});
}

void placement_index::hand_over(lease_id from, lease_id to) {
  auto& left = leases_.at(from);
  assert(left.slot && !leases_.contains(to));
  left.slot = false;
  hold(to, {left.at.worker, {}, {}, left.at.slot});
}

void placement_index::free_slot(lease_id lease, time_point now) {
  auto& x = leases_.at(lease);
  if (std::exchange(x.slot, false))
    places_.free(x.at.worker, x.at.slot);
  promote(now);
}

void placement_index::free_place(lease_id lease, time_point now) {
  auto i = leases_.find(lease);
  assert(i != leases_.end());
  auto left = std::move(i->second);
  leases_.erase(i);
  auto held = leases_of_.find(left.at.worker);
  assert(held != leases_of_.end());
  std::erase(held->second, lease);
  if (held->second.empty())
    leases_of_.erase(held);
  if (left.slot)
    places_.free(left.at.worker, left.at.slot);
  if (left.at.gpu)
    gpus_.give_back(lease, now);
}

void placement_index::withdraw(uint64_t ticket) {
  waiting_.remove(ticket);
  tickets_.erase(ticket);
}

bool placement_index::confirm(lease_id lease, time_point now) {
  auto i = leases_.find(lease);
  if (i == leases_.end())
    return false;
  return !i->second.at.gpu || gpus_.confirm(lease, now);
}

void placement_index::device_failed(lease_id lease, const std::string& reason, time_point now) {
  if (auto i = leases_.find(lease); i != leases_.end() && i->second.at.gpu) {
    gpus_.failed(i->second.at.worker, i->second.at.gpu, reason, now);
    update();
  }
}

bool placement_index::release(lease_id lease, time_point now) {
  if (!leases_.contains(lease))
    return false;
  free_place(lease, now);
  promote(now);
  return true;
}

void placement_index::tick(time_point now) {
  gpus_.tick(now);
  promote(now);
  for (auto ticket : waiting_.expire(now)) {
    tickets_.erase(ticket);
    effects_.refused(ticket, ec::timeout, "no room came free in time");
  }
}

} // namespace troupe::core
