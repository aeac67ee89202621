// The registry of a simulated coordinator: what actors/cluster/daemon_registry.cpp does between messages and decisions,
// and the second record of requests and leases.
#include "test/sim/control.hpp"

#include <set>

namespace troupe::sim {

namespace {

/// See actors/cluster/daemon_registry.cpp.
constexpr duration host_timeout = 2s;

} // namespace

registry_node::registry_node(world& w, control_config config)
  : world_(w),
    table_(config.workers),
    leases_(config.leases, table_, *this),
    requests_max_(config.leases.requests_max) {}

void registry_node::set_ingest_host(const host_ptr& x) {
  ingest_host_ = x->life;
  x->link = std::make_shared<connection>(world_);
  hosts_[x->life] = {x, x->link};
  leases_.set_ingest_host(x->life, world_.now());
}

// -- workers and their processes ------------------------------------------------

std::string registry_node::on_registration(const registration& x, const host_ptr& from) {
  if (auto refused = table_.add(x, world_.now(), world_.unix_ms()))
    return refused->reason;
  world_.trace("worker ", x.name, " registers as ", to_string(x.worker));
  auto link = from->link;
  hosts_[x.worker] = {from, link};
  link->on_down(side::coordinator, [this, id = x.worker, at = std::weak_ptr{link}] { host_down(id, at.lock()); });
  leases_.host_added(x.worker, world_.now());
  check();
  return {};
}

bool registry_node::on_heartbeat(const heartbeat& x) {
  if (!table_.beat(x, world_.now(), world_.unix_ms()))
    return false;
  leases_.host_lists(x.worker, x.tasks, world_.now());
  return true;
}

bool registry_node::on_join(task_id task, worker_id of, const process_ptr& who) {
  tasks_[task] = who;
  if (!leases_.task_joined(task, of, world_.now())) {
    tasks_.erase(task);
    return false;
  }
  who->link->on_down(side::coordinator, [this, task] { task_down(task); });
  check();
  return true;
}

void registry_node::task_down(task_id task) {
  auto gone = tasks_.extract(task);
  for (auto i = given_.begin(); i != given_.end();)
    i = i->second.task == task ? given_.erase(i) : std::next(i);
  auto tell_first = world_.chance.chance(0.5);
  auto tell = [&] {
    for (auto& [number, owner] : owners_)
      if (auto s = owner.lock())
        world_.soon([s, task] { s->task_down(task); });
  };
  if (tell_first)
    tell();
  leases_.task_lost(task, {"the task process is gone", true}, world_.now(), world_.unix_ms());
  if (!tell_first)
    tell();
  check();
}

void registry_node::host_down(worker_id id, const connection_ptr& over) {
  auto i = hosts_.find(id);
  if (i == hosts_.end() || i->second.link != over)
    return;
  world_.trace("worker ", to_string(id), " is gone");
  hosts_.erase(i);
  table_.lost(id, "its worker is gone", world_.now());
  leases_.host_lost(id, world_.now());
  check();
}

void registry_node::tick() {
  for (auto id : table_.tick(world_.now())) {
    world_.trace("worker ", to_string(id), " is silent");
    hosts_.erase(id);
    leases_.host_lost(id, world_.now());
  }
  leases_.tick(world_.now());
  check();
}

void registry_node::set_draining(const std::string& name, bool draining) {
  auto id = table_.find(name);
  if (!id)
    return;
  world_.trace(draining ? "drain " : "resume ", name);
  if (auto i = hosts_.find(*id); i != hosts_.end())
    i->second.it->draining = draining;
  table_.set_draining(*id, draining);
  leases_.tick(world_.now());
  check();
}

void registry_node::remove(const std::string& name) {
  auto id = table_.find(name);
  if (!id)
    return;
  world_.trace("remove ", name);
  if (auto i = hosts_.find(*id); i != hosts_.end()) {
    auto link = i->second.link;
    auto it = i->second.it;
    link->send(side::remote, [it] { it->crash(false); });
    hosts_.erase(i);
    leases_.host_lost(*id, world_.now());
  }
  table_.remove(*id);
  check();
}

// -- leases ---------------------------------------------------------------------

void registry_node::request(const lease_request& x, const std::shared_ptr<session_node>& owner) {
  auto ticket = next_ticket_++;
  owners_[owner->id.value] = owner;
  waiting_[ticket] = {x.label.attempt, owner};
  leases_.request(x, ticket, owner->id.value, world_.now());
  check();
}

void registry_node::release(lease_id id, const lease_end& how) {
  given_.erase(id);
  leases_.release(id, how, world_.now(), world_.unix_ms());
  check();
}

void registry_node::owner_lost(session_id owner) {
  for (auto i = given_.begin(); i != given_.end();)
    i = i->second.owner == owner ? given_.erase(i) : std::next(i);
  leases_.owner_lost(owner.value, world_.now(), world_.unix_ms());
  owners_.erase(owner.value);
  for (auto i = waiting_.begin(); i != waiting_.end();)
    i = i->second.owner->id == owner ? waiting_.erase(i) : std::next(i);
  check();
}

void registry_node::grant(uint64_t ticket, const lease& x) {
  auto i = waiting_.find(ticket);
  if (i == waiting_.end())
    fail("request ", ticket, " was granted without waiting");
  auto [attempt, owner] = std::move(i->second);
  waiting_.erase(i);
  for (auto& [id, g] : given_)
    if (id == x.id || g.task == x.task)
      fail("task ", to_string(x.task), " was leased as ", to_string(x.id), " while ", to_string(id), " has it");
  auto task = tasks_.find(x.task);
  if (task == tasks_.end()) {
    world_.soon([owner = owner, attempt = attempt] {
      owner->lease_failed(attempt, ec::no_worker, "the task process ended before it could be assigned");
    });
    return;
  }
  given_[x.id] = {x.task, x.worker, owner->id, x.worker == ingest_host_};
  world_.trace("lease ", to_string(x.id), " on ", x.worker_name, ", task ", to_string(x.task), ", for attempt ",
               to_string(attempt));
  world_.soon([owner = owner, attempt = attempt, x, task = task->second] { owner->leased(attempt, x, task); });
}

void registry_node::refuse(uint64_t ticket, ec code, const std::string& why) {
  auto i = waiting_.find(ticket);
  if (i == waiting_.end())
    fail("request ", ticket, " was refused without waiting: ", why);
  auto [attempt, owner] = std::move(i->second);
  waiting_.erase(i);
  world_.trace("no lease for attempt ", to_string(attempt), ": ", why);
  world_.soon([owner = owner, attempt = attempt, code, why] { owner->lease_failed(attempt, code, why); });
}

void registry_node::want(worker_id id, uint32_t processes) {
  if (auto i = hosts_.find(id); i != hosts_.end())
    i->second.link->send(side::remote, [it = i->second.it, processes] { it->on_want(processes); });
}

void registry_node::assign(worker_id id, task_id task, const work_label&, lease_id lease) {
  auto i = hosts_.find(id);
  if (i == hosts_.end())
    return;
  auto answered = std::make_shared<bool>(false);
  auto done = [this, answered, lease](const std::string& why) {
    if (std::exchange(*answered, true))
      return;
    leases_.assigned(lease, why.empty(), why, world_.now());
    check();
  };
  auto link = i->second.link;
  link->send(side::remote, [it = i->second.it, link, task, done] {
    it->on_assign(task, [link, done](std::string why) { link->send(side::coordinator, [done, why] { done(why); }); });
  });
  world_.after(host_timeout, [done] { done("the host does not answer"); });
}

void registry_node::end(worker_id id, task_id task) {
  if (auto i = hosts_.find(id); i != hosts_.end())
    i->second.link->send(side::remote, [it = i->second.it, task] { it->on_end(task); });
}

void registry_node::move(uint64_t owner, lease_id id) {
  auto i = owners_.find(owner);
  if (i == owners_.end())
    return;
  if (auto s = i->second.lock())
    world_.soon([s, id] { s->move(id); });
}

// -- checks ---------------------------------------------------------------------

void registry_node::check() const {
  if (leases_.leases() > requests_max_)
    fail(leases_.leases(), " requests are at the leases, ", requests_max_, " may be");
  if (waiting_.size() > leases_.leases())
    fail(waiting_.size(), " requests wait for an answer, the leases knows ", leases_.leases());
  for (auto& s : table_.status()) {
    if (s.slots_used > s.slots)
      fail("worker ", s.name, " has ", s.slots, " slots and ", s.slots_used, " of them are used");
    std::set<task_id> at_work;
    for (auto& [id, x] : given_)
      if (x.worker == s.id)
        at_work.insert(x.task);
    if (at_work.size() > s.slots_used)
      fail("worker ", s.name, " has ", at_work.size(), " tasks at work and ", s.slots_used, " slots used");
  }
}

void registry_node::check_idle() const {
  if (!given_.empty() || leases_.leases() != 0 || !waiting_.empty())
    fail("nobody watches, and the leases has ", leases_.leases(), " leases, ", given_.size(), " of them given");
  for (auto& s : table_.status())
    if (s.slots_used != 0)
      fail("nobody watches, and worker ", s.name, " has ", s.slots_used, " slots used");
}

} // namespace troupe::sim
