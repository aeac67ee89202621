#include "actors/worker.hpp"

#include "actors/actor_of.hpp"
#include "telemetry/log.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

namespace troupe {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto registration_timeout = std::chrono::seconds{5};
constexpr auto host_timeout = std::chrono::seconds{1};

} // namespace

worker_state::worker_state(interface::pointer self, worker_config config)
  : self(self),
    config(std::move(config)),
    delay(this->config.reconnect_delay),
    machine(this->config.work_dir),
    jitter(static_cast<uint32_t>(random_id())) {
  info.worker = this->config.host.host;
  info.name = this->config.name;
  info.token = this->config.token;
  info.version = this->config.version;
  info.slots = this->config.slots;
}

worker_state::interface::behavior_type worker_state::make_behavior() {
  host = spawn_task_host(self->system(), config.host);
  self->link_to(host);
  self->set_down_handler([this](const caf::down_msg&) { disconnected("the coordinator is gone"); });
  self->home_system().spawn<caf::detached>(
    [prove = config.prove, me = interface{self}](caf::event_based_actor* prover) { prover->send(me, prove()); });
  return {
    [this](capabilities& x) {
      info.can = std::move(x);
      look_for_coordinator();
    },
    [this](const coordinator_actor& x) { register_at(x); },
    [this](stop_atom, const std::string& why) { disconnected(why); },
    [this](register_atom) { look_for_coordinator(); },
    [this](tick_atom, uint64_t of) { beat(of); },
  };
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
        delay = config.reconnect_delay;
        last_failure.clear();
        sequence = 0;
        log::info("registered at the coordinator", {{"worker", info.name}, {"id", info.worker}});
        beat(++connection);
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
  // Processes that wait for work lose their coordinator with us; starting others would be for nothing.
  self->send(host, warm_atom_v, uint32_t{0});
  std::uniform_int_distribution<int64_t> spread{0, std::max<int64_t>(1, delay.count() / 2)};
  try_later(delay + std::chrono::milliseconds{spread(jitter)});
  delay = std::min(delay * 2, config.reconnect_max_delay);
}

void worker_state::try_later(std::chrono::milliseconds after) {
  self->delayed_send(self, after, register_atom_v);
}

void worker_state::beat(uint64_t of) {
  if (of != connection)
    return;
  self->delayed_send(self, interval, tick_atom_v, of);
  self->request(host, host_timeout, status_atom_v).then([this, of](std::vector<task_statistics>& tasks) {
    if (of != connection)
      return;
    heartbeat x{info.worker, ++sequence, machine.measure(clock::now()), std::move(tasks)};
    self->request(registry, registration_timeout, std::move(x))
      .then([] {},
            [this, of](const caf::error& why) {
              if (of == connection && why == ec::unknown_daemon)
                disconnected("the coordinator does not know this worker any more");
            });
  });
}

worker_state::interface spawn_worker(caf::actor_system& system, worker_config config) {
  return system.spawn<actor_of<worker_state>>(std::move(config));
}

} // namespace troupe
