// The registry of a simulated coordinator with file jobs: does the same as actors/cluster/daemon_registry.cpp.
#include "test/sim/job_node.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

constexpr duration registry_interval = 200ms;
constexpr uint64_t live_owner = 0;

core::worker_table_config workers() {
  core::worker_table_config x;
  x.version = "1";
  x.breaker.back_off = 2s;
  x.breaker.max_back_off = 8s;
  x.breaker.well_after = 5s;
  return x;
}

core::lease_table_config table_of(uint64_t first) {
  core::lease_table_config x;
  x.first_lease = first;
  x.encoder_timeout = milliseconds{10'000};
  x.places.gpus.back_off = 2000ms;
  x.places.gpus.max_back_off = 8000ms;
  return x;
}

} // namespace

job_registry::job_registry(job_world& w, uint64_t first_lease)
  : world_(w), table_(workers()), leases_(table_of(first_lease), table_, *this) {}

void job_registry::tick() {
  send(world_.clock(), registry_interval, shared_from_this(), [](job_registry& x) { x.tick(); });
  for (auto id : table_.tick(world_.clock().now())) {
    hosts_.erase(id);
    leases_.host_lost(id, world_.clock().now());
  }
  leases_.tick(world_.clock().now());
}

// -- machines ---------------------------------------------------------------------------

bool job_registry::add(const registration& x) {
  if (table_.add(x, world_.clock().now(), world_.clock().unix_ms()))
    return false;
  hosts_.insert(x.worker);
  leases_.host_added(x.worker, world_.clock().now());
  return true;
}

bool job_registry::beat(const job_machine& m) {
  heartbeat x;
  x.worker = m.id;
  x.sequence = ++beats_;
  for (auto& [id, t] : m.tasks) {
    auto& s = x.tasks.emplace_back();
    s.task = id;
    s.kind = t->kind;
  }
  if (!table_.beat(x, world_.clock().now(), world_.clock().unix_ms()))
    return false;
  leases_.host_lists(m.id, x.tasks, world_.clock().now());
  leases_.host_measures(m.id, world_.registration_of(m).gpus, world_.clock().now());
  return true;
}

void job_registry::host_down(worker_id id) {
  if (hosts_.erase(id) == 0)
    return;
  table_.lost(id, "its daemon is gone", world_.clock().now());
  leases_.host_lost(id, world_.clock().now());
}

bool job_registry::joined(const job_task_ptr& t) {
  tasks_[t->id] = t;
  if (leases_.task_joined(t->id, t->host, world_.clock().now()))
    return true;
  tasks_.erase(t->id);
  return false;
}

void job_registry::task_down(task_id id, bool in_order) {
  if (tasks_.erase(id) == 0)
    return;
  auto how = in_order ? lease_end{} : lease_end{"the task process is gone", true};
  leases_.task_lost(id, how, world_.clock().now(), world_.clock().unix_ms());
}

void job_registry::process_gone(task_id id) {
  if (watched_.erase(id) > 0)
    leases_.process_gone(id, world_.clock().now());
}

// -- leases -------------------------------------------------------------------------------

/// A request for an owner that is gone is refused at once.
bool job_registry::lives(const std::shared_ptr<job_node>& owner) const {
  return std::find(world_.jobs.begin(), world_.jobs.end(), owner) != world_.jobs.end();
}

void job_registry::request(const lease_request& x, const std::shared_ptr<job_node>& owner) {
  if (!lives(owner))
    return;
  auto ticket = next_ticket_++;
  waiting_[ticket] = {x.label.attempt, owner};
  owners_[owner->owner] = owner;
  leases_.request(x, ticket, owner->owner, world_.clock().now());
}

void job_registry::adopt(const job_task_ptr& t, const lease_request& x, const std::shared_ptr<job_node>& owner,
                         std::function<void(const troupe::lease*)> answer) {
  if (!lives(owner))
    return;
  auto ticket = next_ticket_++;
  waiting_[ticket] = {{}, owner, std::move(answer)};
  owners_[owner->owner] = owner;
  tasks_.emplace(t->id, t);
  leases_.adopt(t->id, t->host, x, ticket, owner->owner, world_.clock().now());
}

void job_registry::live_work(duration span) {
  auto ticket = next_ticket_++;
  waiting_[ticket] = {{}, {}, {}, span};
  lease_request x;
  x.label.kind = work_kind::transcode;
  x.encoders = {"h264"};
  leases_.request(x, ticket, live_owner, world_.clock().now());
}

void job_registry::release(lease_id id, const lease_end& how) {
  leases_.release(id, how, world_.clock().now(), world_.clock().unix_ms());
}

void job_registry::device_failed(lease_id id, const std::string& why) {
  leases_.device_failed(id, why, world_.clock().now());
}

void job_registry::owner_lost(uint64_t owner) {
  leases_.owner_lost(owner, world_.clock().now(), world_.clock().unix_ms());
  owners_.erase(owner);
}

void job_registry::grant(uint64_t ticket, const lease& x) {
  auto given = waiting_.extract(ticket);
  if (given.empty())
    fail("request ", ticket, " was granted without waiting");
  auto w = std::move(given.mapped());
  auto task = tasks_.find(x.task);
  auto t = task == tasks_.end() ? nullptr : task->second;
  if (w.live > duration{0}) {
    send(world_.clock(), w.live, shared_from_this(), [id = x.id](job_registry& me) { me.release(id, {}); });
  } else if (w.adopter) {
    send(world_.clock(), at_once, shared_from_this(), [w, x, t](job_registry&) { w.adopter(t ? &x : nullptr); });
  } else if (auto owner = w.owner.lock()) {
    send(world_.clock(), at_once, owner, [a = w.attempt, x, t](job_node& me) {
      if (t)
        me.granted(a, x, t);
      else
        me.not_granted(a, false);
    });
  }
}

void job_registry::refuse(uint64_t ticket, ec code, const std::string&) {
  auto given = waiting_.extract(ticket);
  if (given.empty())
    fail("request ", ticket, " was refused without waiting");
  auto w = std::move(given.mapped());
  if (w.adopter)
    send(world_.clock(), at_once, shared_from_this(), [w](job_registry&) { w.adopter(nullptr); });
  else if (auto owner = w.owner.lock())
    send(world_.clock(), at_once, owner,
         [a = w.attempt, gone = code == ec::encode_failed](job_node& me) { me.not_granted(a, gone); });
}

void job_registry::want(worker_id host, uint32_t processes) {
  world_.clock().soon([&w = world_, host, processes] {
    if (auto* m = w.machine_of(host)) {
      m->wanted = processes;
      w.bring_up_processes(*m);
    }
  });
}

void job_registry::assign(worker_id host, task_id task, const work_label& label, lease_id id) {
  auto* m = world_.machine_of(host);
  auto answer = [weak = weak_from_this(), id](bool accepted) {
    if (auto me = weak.lock())
      me->leases_.assigned(id, accepted, accepted ? "" : "it is on its way down", me->world_.clock().now());
  };
  if (m == nullptr)
    return world_.clock().after(2s, [answer] { answer(false); });
  world_.clock().after(2 * m->latency, [&w = world_, host, task, kind = std::string{to_string(label.kind)}, answer] {
    auto* at = w.machine_of(host);
    auto i = at == nullptr ? std::map<task_id, job_task_ptr>::iterator{} : at->tasks.find(task);
    auto taken = at != nullptr && i != at->tasks.end() && i->second->kind == "warm" && !w.clock().chance.chance(0.02);
    if (taken)
      i->second->kind = kind;
    answer(taken);
    if (at != nullptr)
      w.bring_up_processes(*at);
  });
}

void job_registry::end(worker_id host, task_id task) {
  auto* m = world_.machine_of(host);
  if (m == nullptr)
    return;
  // The process is first asked to end, and then killed.
  auto& chance = world_.clock().chance;
  auto takes = chance.chance(0.05) ? chance.between(duration{100ms}, 4s) : duration{2ms};
  world_.clock().after(m->latency + takes, [&w = world_, host, task] {
    if (auto* at = w.machine_of(host))
      if (auto i = at->tasks.find(task); i != at->tasks.end())
        w.end_task(i->second, true);
  });
}

void job_registry::give_back(uint64_t owner, lease_id id) {
  if (auto i = owners_.find(owner); i != owners_.end())
    if (auto job = i->second.lock())
      send(world_.clock(), at_once, job, [id](job_node& x) { x.give_back(id); });
}

void job_registry::watch_end(worker_id host, task_id task) {
  watched_.insert(task);
  auto* m = world_.machine_of(host);
  // If the process is already gone, its end is reported at once.
  if (m == nullptr || !m->tasks.contains(task))
    send(world_.clock(), 1ms, shared_from_this(), [task](job_registry& me) { me.process_gone(task); });
}

} // namespace troupe::sim
