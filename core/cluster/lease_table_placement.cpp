// How the lease table uses the `placement_index`: where its requests go, and when the places that they took are free
// again.
#include "core/cluster/lease_table.hpp"

#include "core/placement/exhaustion.hpp"

#include <algorithm>
#include <cassert>

namespace troupe::core {

namespace {

constexpr size_t refusals_length_max = 1024;
constexpr size_t looked_at_max = 32;

} // namespace

// -- asking for a place ---------------------------------------------------------

waiting_place lease_table::place_of(const entry& e) const noexcept {
  return {is_file(e) ? std::max<uint64_t>(e.request.turn, 1) : 0, e.id.value - config_.first_lease};
}

placement_request lease_table::asked_by(const entry& e) const {
  return placement_request_of(e.request).value_or(placement_request{});
}

void lease_table::look_for_place(entry& e, const placement_request& asked, time_point now) {
  note_conditions();
  auto ticket = e.id.value;
  if (is_refused_at_once(e.request, asked))
    places_.request(ticket, e.id, asked, exhaustion_policy::reject, now, now);
  else
    places_.request(ticket, e.id, asked, place_of(e), now);
}

void lease_table::join(entry e, placement_request asked, time_point now) {
  auto beside = entries_.find(e.request.beside);
  if (beside == entries_.end() || beside->second.owner != e.owner || beside->second.state != phase::granted
      || is_ingest(beside->second) || !tasks_.contains(beside->second.task))
    return effects_.refuse(e.ticket, ec::no_worker, "the process that was to make this as well is gone");
  asked.only = beside->second.host;
  // A worker that failed at this work is taken again only if the other lease had to take it as well.
  auto& failed = beside->second.request.refused_by;
  asked.elsewhere = asked.elsewhere || std::find(failed.begin(), failed.end(), asked.only) == failed.end();
  note_conditions();
  auto id = e.id;
  if (e.request.video.encoder.empty()) {
    if (!places_.could_take(asked.only, asked))
      return effects_.refuse(e.ticket, ec::no_worker, "the worker of that process does not take it");
    e.host = asked.only;
    entries_.emplace(id, std::move(e));
  } else {
    entries_.emplace(id, std::move(e));
    places_.request(id.value, id, asked, exhaustion_policy::reject, now, now);
  }
  auto placed = entries_.find(id);
  if (placed == entries_.end())
    return;
  placed->second.task = beside->second.task;
  grant(placed->second, {}, now);
}

void lease_table::look_elsewhere(entry& e, const std::string& why, time_point now) {
  assert(e.state == phase::waiting_process || e.state == phase::assigning);
  // A request of file work may try many workers over time: each is added only once.
  auto& refused = e.request.refused_by;
  if (!is_ingest(e) && std::find(refused.begin(), refused.end(), e.host) == refused.end())
    refused.push_back(e.host);
  if (e.refusals.size() < refusals_length_max)
    e.refusals += (e.refusals.empty() ? "" : "; ") + why;
  // A process that was chosen but not assigned is ended, unless it is already gone.
  if (e.task && tasks_.contains(e.task))
    effects_.end(e.host, e.task);
  auto left = std::exchange(e.host, {});
  e.task = {};
  e.seat = {};
  e.looked_at.clear();
  e.state = phase::waiting_worker;
  if (is_ingest(e))
    return;
  workers_.free_slot(left, e.id);
  e.has_slot = false;
  note_conditions();
  places_.request_again(e.id.value, e.id, asked_by(e), place_of(e), now);
}

void lease_table::note_conditions() {
  for (auto id : workers_.take_changed())
    places_.note_fares(id, workers_.condition(id));
}

std::string lease_table::why_no_place(const entry& e) {
  if (is_ingest(e))
    return "the coordinator's task host starts no process";
  auto why = workers_.why_not(e.request);
  for (auto& c : places_.explain(asked_by(e)))
    if (c.gpu && !c.why_not.empty() && why.size() < refusals_length_max)
      why += (why.empty() ? "" : "; ") + c.worker_name + " " + c.device + " " + c.why_not;
  if (!e.refusals.empty())
    why += (why.empty() ? "" : "; ") + e.refusals;
  return why.empty() ? "no worker is registered" : why;
}

std::vector<std::pair<attempt_id, size_t>> lease_table::waiting() const {
  std::vector<std::pair<attempt_id, size_t>> result;
  for (auto& [id, e] : entries_)
    if (e.state == phase::waiting_worker)
      if (auto before = places_.waiting().position(id.value))
        result.emplace_back(e.request.label.attempt, *before);
  return result;
}

std::vector<gpu_status> lease_table::gpus_of(worker_id host) const {
  std::vector<gpu_status> result;
  gpus().each_card(host, [&](const gpu_view& v, const std::string& device) {
    auto& x = result.emplace_back();
    x.gpu = v.key;
    x.pci = v.card.pci;
    x.name = v.card.name;
    x.driver = v.card.driver;
    x.vendor = v.card.vendor;
    x.device = device;
    x.reading = v.reading;
    x.encode_limit = to_string(v.limits.encode);
    x.decode_limit = to_string(v.limits.decode);
    x.limit_rule = v.limits.why;
    x.encode_sessions = v.ours_encode;
    x.decode_sessions = v.ours_decode;
    x.foreign_sessions = v.foreign_encode;
    x.blocked = gpus().objection(host, v.id, {});
  });
  return result;
}

// -- placement_effects ------------------------------------------------------------

void lease_table::placed(uint64_t, lease_id id, const choice& at, const rung& on) {
  auto& e = entries_.at(id);
  assert(e.state == phase::waiting_worker && !e.task && at.worker && !is_ingest(e));
  placed_some_ = true;
  e.host = at.worker;
  e.state = phase::waiting_process;
  e.process_deadline = now_ + config_.process_timeout;
  e.seat = seat_of(e.request.video, at, on, gpus().find(at.gpu));
  if (on.fallback) {
    auto first = asked_by(e);
    first.rungs.resize(1);
    if (!places_.places().could_ever(first))
      e.seat.warning = "no worker has a working " + e.request.video.encoder + ": " + on.encoder + " is used instead";
  }
  workers_.take_slot(at.worker, id);
  e.has_slot = true;
  places_.note_fares(at.worker, workers_.condition(at.worker));
  e.looked_at.clear();
  for (auto& c : places_.reasons()) {
    auto* card = gpus().find(c.gpu);
    e.looked_at.push_back({c.worker_name, c.device, card == nullptr ? std::string{} : card->key, c.why_not});
  }
  workers_.add_objections(e.request, e.looked_at, looked_at_max);
}

void lease_table::refused(uint64_t ticket, ec code, const std::string& why) {
  auto i = entries_.find(lease_id{ticket});
  if (i == entries_.end())
    return;
  assert(i->second.state == phase::waiting_worker);
  auto over = std::move(i->second);
  entries_.erase(i);
  auto more = workers_.why_not(over.request);
  effects_.refuse(over.ticket, code, more.empty() ? why : why + "; " + more);
}

// -- leaving a place --------------------------------------------------------------

void lease_table::leave_place(const entry& e, const lease_end& how, time_point now) {
  if (is_ingest(e))
    return;
  if (e.state == phase::waiting_worker) {
    places_.withdraw(e.id.value);
    return;
  }
  if (auto* heir = heir_of(e)) {
    places_.hand_over(e.id, heir->id);
    heir->has_slot = true;
  } else if (e.has_slot) {
    workers_.free_slot(e.host, e.id);
  }
  note_conditions();
  auto may_live = hosts_.contains(e.host) || tasks_.contains(e.task);
  auto lives_on = tasks_.contains(e.task) && serves(e.task);
  auto is_free = lives_on && how.closed && !e.seat.decodes;
  if (e.state != phase::granted || !places_.gpu_of(e.id) || !may_live || is_free) {
    places_.release(e.id, now);
    return;
  }
  assert(e.task);
  closing_.emplace(e.task, closing_session{e.id, e.host});
  if (hosts_.contains(e.host) && closing_.count(e.task) == 1)
    effects_.watch_end(e.host, e.task);
  places_.free_slot(e.id, now);
}

lease_table::entry* lease_table::heir_of(const entry& e) {
  entry* result = nullptr;
  if (e.has_slot && e.task)
    for (auto& [id, x] : entries_) {
      if (x.task == e.task && x.has_slot)
        return nullptr;
      if (x.task == e.task && result == nullptr)
        result = &x;
    }
  return result;
}

void lease_table::process_gone(task_id task, time_point now) {
  auto [first, last] = closing_.equal_range(task);
  if (first == last)
    return;
  std::vector<lease_id> over;
  for (auto i = first; i != last; ++i)
    over.push_back(i->second.lease);
  closing_.erase(first, last);
  now_ = now;
  for (auto id : over)
    places_.release(id, now);
  progress(now);
}

bool lease_table::confirm(lease_id id, time_point now) {
  auto i = entries_.find(id);
  return i != entries_.end() && i->second.state == phase::granted && (!places_.gpu_of(id) || places_.confirm(id, now));
}

void lease_table::device_failed(lease_id id, const std::string& reason, time_point now) {
  now_ = now;
  places_.device_failed(id, reason, now);
}

} // namespace troupe::core
