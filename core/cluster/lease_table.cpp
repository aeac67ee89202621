#include "core/cluster/lease_table.hpp"

#include <algorithm>
#include <cassert>
#include <set>
#include <unordered_set>
#include <utility>

namespace troupe::core {

namespace {

constexpr size_t ends_kept = 16;

} // namespace

void lease_table::set_ingest_host(worker_id id, time_point now) {
  ingest_host_ = id;
  host_added(id, now);
}

void lease_table::request(const lease_request& x, uint64_t ticket, uint64_t owner, time_point now) {
  if (entries_.size() >= config_.requests_max) {
    effects_.refuse(ticket, ec::limit, "too many requests wait for a worker");
    return;
  }
  entry e;
  e.id = lease_id{next_lease_++};
  e.request = x;
  e.ticket = ticket;
  e.owner = owner;
  auto asked = placement_request_of(x);
  if (!asked)
    return effects_.refuse(ticket, ec::invalid_argument, asked.error());
  e.deadline = now + config_.selection_timeout;
  if (x.video.policy == exhaustion_policy::queue && is_hardware_encoder(x.video.encoder))
    e.deadline = now
                 + std::max(config_.selection_timeout,
                            x.video.queue_timeout.count() > 0 ? x.video.queue_timeout : config_.queue_timeout);
  if (is_file_work(x.label.kind))
    e.deadline = time_point::max();
  now_ = now;
  if (x.beside)
    return join(std::move(e), std::move(*asked), now);
  auto id = e.id;
  auto& here = entries_.emplace(id, std::move(e)).first->second;
  if (!is_ingest(here))
    look_for_place(here, *asked, now);
  progress(now);
}

void lease_table::adopt(task_id task, worker_id host, const lease_request& x, uint64_t ticket, uint64_t owner,
                        time_point now) {
  auto here = hosts_.contains(host);
  if (serves(task) || entries_.size() >= config_.requests_max)
    return effects_.refuse(ticket, ec::refused, "this process has a lease already, or too many requests are open");
  if (!here && !x.last_resort)
    return effects_.refuse(ticket, ec::no_worker, "the worker of this process is not registered");
  tasks_.emplace(task, host);
  if (here)
    std::erase(hosts_[host].idle, task);
  entry e;
  e.id = lease_id{next_lease_++};
  e.request = x;
  e.ticket = ticket;
  e.owner = owner;
  e.state = phase::granted;
  e.deadline = time_point::max();
  e.host = host;
  e.task = task;
  e.has_slot = here;
  auto id = e.id;
  entries_.emplace(id, std::move(e));
  lease result{id, task, host, "an earlier worker"};
  if (here) {
    places_.adopt(id, host);
    workers_.take_slot(host, id);
    workers_.task_started(host, id, now);
    hosts_[host].useless.erase(task);
    for (auto& s : workers_.status())
      if (s.id == host)
        result.worker_name = s.name;
  }
  effects_.grant(ticket, result);
}

void lease_table::host_added(worker_id id, time_point now) {
  auto [i, added] = hosts_.try_emplace(id);
  if (added) // the host is back: its processes that waited for work when its connection broke still wait
    for (auto& [task, owner] : tasks_)
      if (owner == id && !serves(task))
        i->second.idle.push_back(task);
  now_ = now;
  if (auto* info = workers_.registered(id)) {
    places_.note_fares(id, workers_.condition(id));
    auto offered = offer_of(*info);
    places_.worker_added(std::move(offered.offer), offered.devices, now);
    places_.worker_fares(id, workers_.condition(id), now);
  }
  progress(now);
}

void lease_table::host_lost(worker_id id, time_point now) {
  now_ = now;
  hosts_.erase(id);
  places_.worker_lost(id, true, now);
  for (auto& [lease, e] : entries_)
    if (e.host == id && (e.state == phase::waiting_process || e.state == phase::assigning))
      look_elsewhere(e, "its worker went away", now);
  // The connections of these processes are lost as well, so no end will be reported for them.
  for (auto& [task, x] : std::unordered_multimap{closing_})
    if (x.host == id && !tasks_.contains(task))
      process_gone(task, now);
  progress(now);
}

void lease_table::host_measures(worker_id id, const std::vector<gpu_report>& cards, time_point now) {
  if (cards.empty())
    return;
  now_ = now;
  placed_some_ = false;
  places_.worker_reports(id, cards, now);
  if (placed_some_) // saves time: many heartbeats arrive, and few of them free a place
    progress(now);
}

void lease_table::host_lists(worker_id id, const std::vector<task_statistics>& processes, time_point now) {
  auto h = hosts_.find(id);
  if (h == hosts_.end())
    return;
  std::unordered_set<task_id> serving;
  for (auto& [lease, e] : entries_)
    if (e.host == id && e.task)
      serving.insert(e.task);
  for (auto& [task, x] : std::unordered_multimap{closing_})
    if (x.host == id
        && std::none_of(processes.begin(), processes.end(), [gone = task](auto& p) { return p.task == gone; }))
      process_gone(task, now);
  auto& idle = h->second.idle;
  auto known = std::exchange(h->second.useless, {});
  for (auto& p : processes) {
    // A process that the host has assigned cannot be given to another lease.
    auto given = p.kind != "warm";
    if (given)
      std::erase(idle, p.task);
    if (serving.contains(p.task) || (!given && std::find(idle.begin(), idle.end(), p.task) != idle.end()))
      continue;
    auto i = known.find(p.task);
    auto since = i == known.end() ? now : i->second;
    h->second.useless.emplace(p.task, since);
    auto limit = p.kind == to_string(work_kind::chunk) ? std::max(config_.orphan_timeout, config_.useless_timeout)
                                                       : config_.useless_timeout;
    if (now - since >= limit)
      effects_.end(id, p.task);
  }
}

bool lease_table::task_joined(task_id task, worker_id id, time_point now) {
  auto i = hosts_.find(id);
  if (i == hosts_.end() || !tasks_.emplace(task, id).second)
    return false;
  i->second.idle.push_back(task);
  progress(now);
  return true;
}

bool lease_table::task_lost(task_id task, const lease_end& how, time_point now, int64_t unix_ms) {
  auto t = tasks_.find(task);
  if (t == tasks_.end())
    return false;
  if (auto h = hosts_.find(t->second); h != hosts_.end())
    std::erase(h->second.idle, task);
  auto host_known = hosts_.contains(t->second);
  // Its connection is lost. The process itself may hang somewhere, and then only its host can end it.
  effects_.end(t->second, task);
  tasks_.erase(t);
  auto served = false;
  for (auto i = entries_.begin(); i != entries_.end();) {
    auto here = i++;
    if (here->second.task != task)
      continue;
    served = true;
    if (here->second.state == phase::granted)
      settle(here, how, now, unix_ms);
    else
      look_elsewhere(here->second, "its task process ended: " + how.reason, now);
  }
  if (!served && !host_known)
    process_gone(task, now);
  progress(now);
  return served;
}

void lease_table::assigned(lease_id id, bool accepted, const std::string& said, time_point now) {
  auto i = entries_.find(id);
  if (i == entries_.end() || i->second.state != phase::assigning)
    return;
  auto& e = i->second;
  assert(e.task && e.host);
  if (!accepted) {
    look_elsewhere(e, said, now);
    progress(now);
    return;
  }
  grant(e, said, now);
}

void lease_table::grant(entry& e, const std::string& limits, time_point now) {
  e.state = phase::granted;
  if (!is_ingest(e))
    workers_.task_started(e.host, e.id, now);
  lease result{e.id, e.task, e.host, {}, limits, e.seat, e.looked_at};
  for (auto& s : workers_.status())
    if (s.id == e.host)
      result.worker_name = s.name;
  effects_.grant(e.ticket, result);
}

void lease_table::release(lease_id id, const lease_end& how, time_point now, int64_t unix_ms) {
  auto i = entries_.find(id);
  if (i == entries_.end())
    return; // its task was gone first
  settle(i, how, now, unix_ms);
  progress(now);
}

void lease_table::owner_lost(uint64_t owner, time_point now, int64_t unix_ms) {
  for (auto i = entries_.begin(); i != entries_.end();) {
    auto here = i++;
    if (here->second.owner == owner)
      settle(here, {}, now, unix_ms);
  }
  progress(now);
}

void lease_table::settle(entries::iterator i, const lease_end& how, time_point now, int64_t unix_ms) {
  assert(i != entries_.end());
  auto e = std::move(i->second);
  entries_.erase(i);
  if (e.task && tasks_.contains(e.task) && hosts_.contains(e.host) && !serves(e.task))
    effects_.end(e.host, e.task);
  if (e.state == phase::granted)
    book_end(e, how, now, unix_ms);
  if (e.state == phase::granted && how.reason.empty())
    places_.worked(e.id);
  leave_place(e, how, now);
}

void lease_table::book_end(const entry& e, const lease_end& how, time_point now, int64_t unix_ms) {
  assert(e.state == phase::granted && e.task);
  task_end end;
  end.task = e.task;
  end.kind = to_string(e.request.label.kind);
  end.channel = e.request.label.channel;
  end.profile = e.request.label.profile;
  end.attempt = e.request.label.attempt;
  end.reason = how.reason;
  end.at_ms = unix_ms;
  for (auto& s : workers_.status())
    if (s.id == e.host)
      end.worker = s.name;
  if (is_ingest(e)) {
    ingest_ends_.push_front(end);
    if (ingest_ends_.size() > ends_kept)
      ingest_ends_.pop_back();
  } else {
    workers_.task_ended(end, e.host, e.id, now, how.process_failed, e.request.input, serves(e.task));
  }
}

void lease_table::clear_draining(time_point now) {
  for (auto& [id, e] : entries_) {
    if (is_ingest(e) || e.state == phase::waiting_worker || !workers_.draining(e.host))
      continue;
    if (e.state == phase::waiting_process) {
      look_elsewhere(e, "its worker drains", now);
    } else if (e.state == phase::granted && !is_file(e) && now >= e.next_move) {
      e.next_move = now + config_.move_interval;
      effects_.move(e.owner, id);
    }
  }
}

void lease_table::tick(time_point now) {
  now_ = now;
  note_conditions();
  places_.tick(now);
  clear_draining(now);
  for (auto i = entries_.begin(); i != entries_.end();) {
    auto here = i++;
    auto& e = here->second;
    if (e.state == phase::granted)
      continue;
    if (is_hopeless(e, now)) {
      auto over = std::move(e);
      entries_.erase(here);
      effects_.refuse(over.ticket, ec::encode_failed,
                      "no worker has " + over.request.video.encoder + " any more: " + why_no_place(over));
      leave_place(over, {}, now);
    } else if (now >= e.deadline) {
      auto over = std::move(e);
      entries_.erase(here);
      auto waited = over.request.video.policy == exhaustion_policy::queue
                      ? "the time that it may wait"
                      : std::to_string(config_.selection_timeout.count()) + " ms";
      effects_.refuse(over.ticket, ec::no_worker,
                      "no worker took the work within " + waited + ": " + why_no_place(over));
      if (over.task && tasks_.contains(over.task))
        effects_.end(over.host, over.task);
      leave_place(over, {}, now);
    } else if (e.state != phase::waiting_worker && now >= e.process_deadline) {
      look_elsewhere(e, "the worker brought up no task process in time", now);
    }
  }
  progress(now);
  // A request may be withdrawn before its process comes: idle processes beyond the wanted number are ended.
  for (auto& [id, h] : hosts_)
    for (; h.idle.size() > h.wanted; h.idle.pop_back())
      effects_.end(id, h.idle.back());
}

bool lease_table::is_hopeless(entry& e, time_point now) {
  auto other = [this](auto& x) { return x.first != ingest_host_; };
  // Without any worker nothing is known: workers may be on their way.
  if (!e.request.replaceable || e.state != phase::waiting_worker || std::none_of(hosts_.begin(), hosts_.end(), other)
      || places_.places().could_ever(asked_by(e))) {
    e.hopeless_since.reset();
    return false;
  }
  if (!e.hopeless_since)
    e.hopeless_since = now;
  return now - *e.hopeless_since >= config_.encoder_timeout;
}

void lease_table::progress(time_point now) {
  now_ = now;
  note_conditions();
  places_.promote(now);
  std::vector<lease_id> given;
  for (auto patient : {false, true})
    for (auto& [id, e] : entries_)
      if (is_file(e) == patient && find_process(e, now))
        given.push_back(id);
  claim_slots(now);
  // A host replaces each process that it assigns, up to the number that it keeps ready. So it must first know that one
  // process less is wanted.
  want_processes();
  for (auto id : given) {
    auto& e = entries_.at(id);
    assert(e.state == phase::assigning && e.task && e.host);
    e.request.label.lease = id;
    effects_.assign(e.host, e.task, e.request.label, id);
  }
}

void lease_table::claim_slots(time_point now) {
  // Slots that owners were already asked for are counted, so that no further chunk stops for the same request.
  std::vector<entry*> chunks;
  for (auto& [id, e] : entries_)
    if (e.request.label.kind == work_kind::chunk && e.state == phase::granted)
      chunks.push_back(&e);
  std::set<const entry*> claimed;
  for (auto& [id, e] : entries_) {
    if (is_file(e) || is_ingest(e) || e.state != phase::waiting_worker || chunks.empty())
      continue;
    // The latest chunk has the least work to lose.
    entry* best = nullptr;
    auto asked = asked_by(e);
    for (auto* chunk : chunks)
      if (!claimed.contains(chunk) && places_.could_take(chunk->host, asked)
          && (best == nullptr || chunk->given_back || !best->given_back))
        best = chunk;
    if (best == nullptr)
      continue;
    claimed.insert(best);
    if (now < best->next_move)
      continue;
    best->next_move = now + config_.move_interval;
    if (!std::exchange(best->given_back, true))
      ++chunks_given_back_;
    effects_.give_back(best->owner, best->id);
  }
}

bool lease_table::find_process(entry& e, time_point now) {
  if (is_ingest(e) && e.state == phase::waiting_worker) {
    if (!hosts_.contains(ingest_host_))
      return false;
    e.host = ingest_host_;
    e.state = phase::waiting_process;
    e.process_deadline = now + config_.process_timeout;
  }
  if (e.state != phase::waiting_process)
    return false;
  assert(!e.task && hosts_.contains(e.host));
  auto& idle = hosts_[e.host].idle;
  if (idle.empty())
    return false;
  e.task = idle.front();
  idle.pop_front();
  e.state = phase::assigning;
  return true;
}

void lease_table::want_processes() {
  for (auto& [id, h] : hosts_) {
    auto wanted = id == ingest_host_ ? config_.warm_ingest_tasks : config_.warm_tasks;
    for (auto& [lease, e] : entries_)
      if (e.host == id && e.state == phase::waiting_process)
        ++wanted;
    if (h.wanted != wanted) {
      h.wanted = wanted;
      effects_.want(id, wanted);
    }
  }
}

bool lease_table::serves(task_id task) const {
  return outputs_of(task) > 0;
}

uint32_t lease_table::outputs_of(task_id task) const {
  auto of_task = [task](const auto& kv) { return kv.second.task == task; };
  return static_cast<uint32_t>(std::count_if(entries_.begin(), entries_.end(), of_task));
}

std::optional<worker_id> lease_table::host_of_limited(task_id task) const {
  for (auto& [id, e] : entries_)
    if (e.task == task && e.request.label.limits.any())
      return e.host;
  return std::nullopt;
}

std::optional<task_id> lease_table::task_of(lease_id id) const {
  auto i = entries_.find(id);
  if (i == entries_.end() || !i->second.task)
    return std::nullopt;
  return i->second.task;
}

} // namespace troupe::core
