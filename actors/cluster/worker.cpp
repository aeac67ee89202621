#include "actors/cluster/worker.hpp"

#include "actors/common/actor_of.hpp"
#include "base/random_id.hpp"
#include "config/waits.hpp"
#include "telemetry/log.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

constexpr auto registration_timeout = config::defaults::coordinator_wait;

/// A driver that has not answered after this time counts as hanging.
constexpr auto gpu_timeout = std::chrono::seconds{10};

/// How long a late answer of the driver is waited for; no second request is sent meanwhile.
constexpr auto gpu_answer_timeout = std::chrono::hours{1};

constexpr auto own_host_timeout = std::chrono::seconds{1};

/// How long a worker that ends waits for the coordinator to confirm that it knows.
constexpr auto drain_timeout = std::chrono::seconds{1};

constexpr auto drain_interval = std::chrono::milliseconds{50};

bool is_at_work(const task_statistics& x) {
  return x.kind != "warm";
}

} // namespace

worker_state::worker_state(interface::pointer self, worker_config config)
  : self(self),
    config(std::move(config)),
    reconnect(this->config.reconnect_delay, this->config.reconnect_max_delay, base::random_id()),
    machine(this->config.work_dir) {
  info.worker = this->config.host.host;
  info.name = this->config.name;
  info.version = this->config.version;
  info.slots = this->config.slots;
}

worker_state::interface::behavior_type worker_state::make_behavior() {
  host = config.start.host(self->system(), config.host);
  self->link_to(host);
  gpu_watch = config.start.gpu_watch(self->home_system(), config.gpus);
  self->link_to(gpu_watch);
  self->set_down_handler([this](const caf::down_msg& x) {
    // Coordinator and registry die with the connection. The second report finds both handles already reset.
    if (coordinator == x.source || registry == x.source)
      disconnected("the coordinator is gone");
  });
  self->home_system().spawn<caf::detached>(
    [prove = config.prove, me = interface{self}](caf::event_based_actor* prover) { prover->send(me, prove()); });
  self->delayed_send(self, gpu_timeout, status_atom_v);
  measure_gpus({});
  return {
    [this](drain_atom, caf::timespan at_most) { return drain(at_most); },
    [this](drain_atom) { look_whether_drained(); },
    [this](capabilities& x) {
      info.can = std::move(x);
      codecs_known = true;
      ready_when_known();
    },
    [this](const coordinator_actor& x) { register_at(x); },
    [this](stop_atom, const std::string& why) { disconnected(why); },
    [this](status_atom) {
      gpus_known = true;
      ready_when_known();
    },
    [this](register_atom) { look_for_coordinator(); },
    [this](tick_atom, uint64_t of) { beat(of); },
  };
}

void worker_state::measure_gpus(std::vector<task_statistics> tasks) {
  auto now = self->now();
  if (gpus_asked) {
    if (now - *gpus_asked >= gpu_timeout)
      for (auto& x : info.gpus)
        x.fault = "its driver does not answer";
    return;
  }
  gpus_asked = now;
  self->request(gpu_watch, gpu_answer_timeout, status_atom_v, std::move(tasks))
    .then(
      [this](std::vector<gpu_report>& x) {
        gpus_asked.reset();
        info.gpus = std::move(x);
        gpus_known = true;
        ready_when_known();
      },
      [this](const caf::error&) { gpus_asked.reset(); });
}

void worker_state::ready_when_known() {
  if (codecs_known && gpus_known && !std::exchange(looked, true))
    look_for_coordinator();
}

void worker_state::look_for_coordinator() {
  self->home_system().spawn<caf::detached>(
    [find = config.find_coordinator, me = interface{self}](caf::event_based_actor* finder) {
      auto found = find();
      if (found)
        finder->send(me, *found);
      else
        finder->send(me, stop_atom_v, "the coordinator cannot be reached: " + caf::to_string(found.error()));
    });
}

void worker_state::register_at(const coordinator_actor& x) {
  coordinator = x;
  self->request(x, registration_timeout, info, task_host_actor{host})
    .then(
      [this](caf::timespan every, const daemon_registry_actor& at) {
        self->monitor(coordinator);
        self->monitor(at);
        registry = at;
        interval = std::chrono::duration_cast<std::chrono::milliseconds>(every);
        reconnect.reset();
        last_failure.clear();
        sequence = 0;
        log::info("registered at the coordinator", {{"worker", info.name}, {"id", info.worker}});
        beat(++connection);
        if (end)
          tell_that_it_drains();
      },
      [this](const caf::error& why) {
        disconnected("the coordinator refused the registration: " + caf::to_string(why));
      });
}

void worker_state::disconnected(const std::string& why) {
  ++connection; // ends the heartbeats of the old one
  if (why != last_failure)
    log::warning("not connected; will try again", {{"worker", info.name}, {"reason", why}});
  last_failure = why;
  if (coordinator)
    self->demonitor(coordinator);
  if (registry)
    self->demonitor(registry);
  coordinator = nullptr;
  registry = nullptr;
  // Waiting processes lose their coordinator with us; starting others would be pointless.
  self->send(host, warm_atom_v, uint32_t{0});
  self->delayed_send(self, reconnect.next(), register_atom_v);
}

void worker_state::beat(uint64_t of) {
  if (of != connection)
    return;
  self->delayed_send(self, interval, tick_atom_v, of);
  self->request(host, own_host_timeout, status_atom_v)
    .then(
      [this, of](std::vector<task_statistics>& tasks) {
        if (of != connection)
          return;
        measure_gpus(tasks);
        send_heartbeat(of, std::move(tasks));
      },
      // The host answers late, for example after the machine was suspended. It is not dead: its death would have
      // ended this actor, too, because they are linked.
      [](const caf::error&) {});
}

void worker_state::send_heartbeat(uint64_t of, std::vector<task_statistics> tasks) {
  heartbeat x{info.worker, ++sequence, machine.measure(self->now()), std::move(tasks), info.gpus};
  self->request(registry, registration_timeout, std::move(x))
    .then(
      [this, of](bool draining) {
        if (of == connection)
          info.draining = draining || end;
      },
      [this, of](const caf::error& why) {
        if (of == connection && why == ec::unknown_daemon)
          disconnected("the coordinator does not know this worker any more");
      });
}

caf::result<void> worker_state::drain(caf::timespan at_most) {
  if (end)
    return caf::make_error(ec::stopping, "this worker drains already");
  info.draining = true;
  end = ending{self->make_response_promise<void>(), self->now() + at_most, false};
  tell_that_it_drains();
  look_whether_drained();
  return end->answer;
}

void worker_state::tell_that_it_drains() {
  if (registry)
    // If the registry does not answer, it is away or suspended: the next registration will tell it.
    self->request(registry, drain_timeout, drain_atom_v, to_string(info.worker))
      .then([this] { end->told = true; }, [this](const caf::error&) { end->told = true; });
}

void worker_state::look_whether_drained() {
  auto over = [this](const char* how, size_t at_work) {
    log::info(how, {{"worker", info.name}, {"tasks_at_work", at_work}});
    end->answer.deliver();
  };
  self->request(host, own_host_timeout, status_atom_v)
    .then(
      [this, over](const std::vector<task_statistics>& tasks) {
        auto at_work = static_cast<size_t>(std::count_if(tasks.begin(), tasks.end(), is_at_work));
        if (at_work == 0 && (end->told || !registry))
          over("drained: nothing works here any more", 0);
        else if (self->now() >= end->deadline)
          over("not drained in time", at_work);
        else
          self->delayed_send(self, drain_interval, drain_atom_v);
      },
      [over](const caf::error&) { over("drained: the task host does not answer", 0); });
}

worker_state::interface spawn_worker(caf::actor_system& system, worker_config config) {
  return system.spawn<actor_of<worker_state>>(std::move(config));
}

} // namespace troupe
