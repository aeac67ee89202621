#include "actors/cluster/daemon_registry.hpp"

#include "actors/common/actor_of.hpp"
#include "config/waits.hpp"
#include "messages/unix_time.hpp"
#include "telemetry/log.hpp"

#include <caf/actor_cast.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>

#include <functional>

namespace troupe {

namespace {

constexpr auto watch_interval = std::chrono::milliseconds{100};

/// How long a host may take to answer; it only looks up a table.
constexpr auto host_timeout = std::chrono::seconds{2};

/// After this time a host is asked again whether a process is gone.
constexpr auto task_end_timeout = std::chrono::minutes{1};

std::string reason_of(const caf::error& x) {
  auto text = caf::to_string(x);
  return text.empty() ? "its connection closed" : text;
}

} // namespace

daemon_registry_state::daemon_registry_state(interface::pointer self, daemon_registry_config config)
  : self(self), config(config), workers(std::move(config.workers)), leases(config.leases, workers, *this) {}

daemon_registry_state::interface::behavior_type daemon_registry_state::make_behavior() {
  self->set_down_handler([this](const caf::down_msg& x) { on_down(x.source, x.reason); });
  self->delayed_send(self, watch_interval, tick_atom_v);
  return {
    [this](const registration& x, const task_host_actor& host) { return add_worker(x, host); },
    [this](const task_join& x, const task_actor& task) { return add_task(x, task); },
    [this](const heartbeat& x) -> caf::result<bool> {
      if (!workers.beat(x, self->now(), unix_ms()))
        return caf::make_error(ec::unknown_daemon, "register first");
      auto now = self->now();
      leases.host_lists(x.worker, x.tasks, now);
      leases.host_measures(x.worker, x.gpus, now);
      return workers.draining(x.worker);
    },
    [this](const lease_request& x) -> caf::result<lease, task_actor> {
      auto owner = owner_now();
      auto result = self->make_response_promise<lease, task_actor>();
      auto ticket = next_ticket++;
      waiting.emplace(ticket, result);
      leases.request(x, ticket, owner, self->now());
      return result;
    },
    [this](const task_join& x, const lease_request& what, const orphan_actor& task) {
      return adopt_task(x, what, task);
    },
    [this](release_atom, lease_id id, const lease_end& how) {
      // If the lease's process is gone, its host is already being asked why. It knows more, so this report is ignored.
      if (auto task = how.process_failed ? leases.task_of(id) : std::nullopt; task && !tasks.contains(*task))
        return;
      leases.release(id, how, self->now(), unix_ms());
    },
    [this](lease_id id, const work_statistics& x) {
      if (auto task = leases.task_of(id))
        workers.report(*task, id, x);
    },
    [this](daemons_atom) {
      auto result = workers.status();
      for (auto& x : result) {
        x.gpus = leases.gpus_of(x.id);
        for (auto& task : x.tasks)
          task.outputs = leases.outputs_of(task.task);
      }
      return result;
    },
    [this](confirm_atom, lease_id id) { return leases.confirm(id, self->now()); },
    [this](quarantine_atom, lease_id id, const std::string& why) {
      log::warning("a device refused its task", {{"lease", id}, {"reason", why}});
      leases.device_failed(id, why, self->now());
    },
    [this](status_atom) {
      queue_places result;
      for (auto& [attempt, before] : leases.waiting())
        result.emplace(attempt, static_cast<uint32_t>(before));
      return result;
    },
    [this](drain_atom, const std::string& name_or_id) {
      return administer(name_or_id, [this](worker_id id) { return workers.set_draining(id, true); });
    },
    [this](resume_atom, const std::string& name_or_id) {
      return administer(name_or_id, [this](worker_id id) { return workers.set_draining(id, false); });
    },
    [this](remove_atom, const std::string& name_or_id) {
      return administer(name_or_id, [this](worker_id id) {
        drop_worker(id);
        return workers.remove(id);
      });
    },
    [this](status_atom x, worker_id host, task_id task) -> caf::result<task_exit> {
      if (auto i = hosts.find(host); i != hosts.end())
        return self->delegate(i->second, x, task);
      return task_exit{};
    },
    [this](worker_id id, const task_host_actor& host) {
      hosts[id] = host;
      self->monitor(host);
      leases.set_ingest_host(id, self->now());
    },
    [this](tick_atom) {
      self->delayed_send(self, watch_interval, tick_atom_v);
      auto now = self->now();
      for (auto id : workers.tick(now)) {
        log::warning("a worker is gone", {{"worker", id}, {"reason", "no heartbeat"}});
        hosts.erase(id);
        leases.host_lost(id, now);
      }
      leases.tick(now);
    },
  };
}

caf::result<caf::timespan> daemon_registry_state::add_worker(const registration& x, const task_host_actor& host) {
  auto now = self->now();
  if (auto refused = workers.add(x, now, unix_ms())) {
    log::warning("a registration is refused", {{"worker", x.name}, {"reason", refused->reason}});
    return caf::make_error(refused->code, refused->reason);
  }
  log::info("a worker registered", {{"worker", x.name}, {"id", x.worker}, {"slots", x.slots}});
  hosts[x.worker] = host;
  self->monitor(host);
  leases.host_added(x.worker, now);
  return caf::timespan{config.heartbeat_interval};
}

uint64_t daemon_registry_state::owner_now() {
  auto sender = self->current_sender();
  auto [i, added] = owners.try_emplace(caf::actor_cast<caf::actor_addr>(sender), next_owner);
  if (added) {
    ++next_owner;
    self->monitor(sender);
  }
  return i->second;
}

caf::result<lease, task_actor> daemon_registry_state::adopt_task(const task_join& x, const lease_request& what,
                                                                 const orphan_actor& task) {
  auto owner = owner_now(); // before the promise, which takes the sender with it
  auto result = self->make_response_promise<lease, task_actor>();
  auto ticket = next_ticket++;
  waiting.emplace(ticket, result);
  if (tasks.emplace(x.task, task).second)
    self->monitor(task);
  leases.adopt(x.task, x.host, what, ticket, owner, self->now());
  return result;
}

caf::result<void> daemon_registry_state::add_task(const task_join& x, const task_actor& task) {
  if (x.version != config.workers.version) {
    log::warning("a task process is refused", {{"task", x.task}, {"reason", "it is of another version"}});
    return caf::make_error(ec::refused, "the task is of another version");
  }
  tasks[x.task] = task;
  if (!leases.task_joined(x.task, x.host, self->now())) {
    tasks.erase(x.task);
    return caf::make_error(ec::refused, "the host of this task process is not registered");
  }
  self->monitor(task);
  return caf::unit;
}

void daemon_registry_state::on_down(const caf::actor_addr& who, const caf::error& why) {
  auto now = self->now();
  for (auto& [id, task] : tasks)
    if (task == who) {
      auto gone = id;
      tasks.erase(gone);
      // A task that ended regularly was told to do so by its owner, whose message may come later than this one.
      if (why)
        lose_task(gone, {"the task process is gone: " + reason_of(why), true});
      else
        lose_task(gone, {});
      return;
    }
  for (auto& [id, host] : hosts)
    if (host == who) {
      auto gone = id;
      log::warning("a worker is gone", {{"worker", gone}, {"reason", reason_of(why)}});
      hosts.erase(gone);
      workers.lost(gone, "its worker is gone: " + reason_of(why), now);
      leases.host_lost(gone, now);
      return;
    }
  if (auto i = owners.find(who); i != owners.end()) {
    auto owner = i->second;
    owners.erase(i);
    leases.owner_lost(owner, now, unix_ms());
  }
}

void daemon_registry_state::lose_task(task_id id, const lease_end& how) {
  auto book = [this, id](const lease_end& end) {
    if (leases.task_lost(id, end, self->now(), unix_ms()))
      log::info("a running task is gone", {{"task", id}, {"reason", end.reason}});
  };
  auto limited = how.process_failed ? leases.host_of_limited(id) : std::nullopt;
  auto host = limited ? hosts.find(*limited) : hosts.end();
  if (host == hosts.end())
    return book(how);
  // Its job's own memory limit may have killed it, which says nothing about the worker: ask its host.
  self->request(host->second, config::defaults::task_exit_wait, status_atom_v, id)
    .then(
      [book, how](const task_exit& x) {
        book({how.reason, !x.out_of_memory});
      },
      [book, how](const caf::error&) { book(how); });
}

void daemon_registry_state::drop_worker(worker_id id) {
  log::info("a worker is removed", {{"worker", id}});
  auto i = hosts.find(id);
  if (i == hosts.end())
    return;
  self->send_exit(i->second, caf::exit_reason::user_shutdown);
  self->demonitor(i->second);
  hosts.erase(i);
  leases.host_lost(id, self->now());
}

caf::result<void> daemon_registry_state::administer(const std::string& name_or_id,
                                                    const std::function<bool(worker_id)>& change) {
  auto id = workers.find(name_or_id);
  if (!id || !change(*id))
    return caf::make_error(ec::unknown_daemon, "no worker is named " + name_or_id.substr(0, 128));
  leases.tick(self->now());
  return caf::unit;
}

// -- core::lease_effects ------------------------------------------------------

void daemon_registry_state::grant(uint64_t ticket, const lease& x) {
  auto i = waiting.find(ticket);
  auto task = tasks.find(x.task);
  if (i == waiting.end())
    return;
  auto answer = i->second;
  waiting.erase(i);
  if (task != tasks.end())
    answer.deliver(x, task->second);
  else
    answer.deliver(caf::make_error(ec::no_worker, "the task process ended before it could be assigned"));
}

void daemon_registry_state::refuse(uint64_t ticket, ec code, const std::string& why) {
  auto i = waiting.find(ticket);
  if (i == waiting.end())
    return;
  i->second.deliver(caf::make_error(code, why));
  waiting.erase(i);
}

void daemon_registry_state::want(worker_id id, uint32_t processes) {
  if (auto i = hosts.find(id); i != hosts.end())
    self->send(i->second, warm_atom_v, processes);
}

void daemon_registry_state::assign(worker_id host, task_id task, const work_label& label, lease_id id) {
  auto i = hosts.find(host);
  if (i == hosts.end())
    return; // the loss of the host ends the lease, or else the lease's deadline does
  self->request(i->second, host_timeout, assign_atom_v, task, label)
    .then([this, id](const std::string& limits) { leases.assigned(id, true, limits, self->now()); },
          [this, id](const caf::error& why) { leases.assigned(id, false, reason_of(why), self->now()); });
}

void daemon_registry_state::end(worker_id host, task_id task) {
  if (auto i = hosts.find(host); i != hosts.end())
    self->send(i->second, end_atom_v, task);
}

void daemon_registry_state::move(uint64_t owner, lease_id id) {
  // The owner of a lease is known only by its address, whatever its interface: all owners of leases understand this
  // message.
  for (auto& [address, number] : owners)
    if (number == owner)
      if (auto handle = caf::actor_cast<caf::actor>(address))
        caf::anon_send(handle, move_atom_v, id);
}

void daemon_registry_state::give_back(uint64_t owner, lease_id id) {
  log::info("a chunk's slot is wanted for live work", {{"lease", id}});
  for (auto& [address, number] : owners)
    if (number == owner)
      if (auto handle = caf::actor_cast<caf::actor>(address))
        caf::anon_send(handle, give_back_atom_v, id);
}

void daemon_registry_state::watch_end(worker_id host, task_id task) {
  if (auto i = hosts.find(host); i != hosts.end())
    self->request(i->second, task_end_timeout, status_atom_v, task)
      .then(
        [this, task](const task_exit&) {
          log::info("a session of a GPU is free again", {{"task", task}});
          leases.process_gone(task, self->now());
        },
        [this, host, task](const caf::error& why) {
          // If the host is gone, a later list of its processes shows the end, or the loss of their connections does.
          if (why == caf::sec::request_timeout)
            watch_end(host, task);
        });
}

local_registry_actor spawn_daemon_registry(caf::actor_system& system, daemon_registry_config config) {
  return system.spawn<actor_of<daemon_registry_state>>(std::move(config));
}

} // namespace troupe
