#include "actors/task.hpp"

#include "actors/common/actor_of.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/sec.hpp>

#include <variant>

namespace troupe {

namespace {

/// Short, because a job waits only a few seconds for its orphans; searching for an absent coordinator is cheap.
constexpr auto look_interval = std::chrono::milliseconds{250};

/// How long a transcoder that has not begun may take to open another encoder.
constexpr auto join_timeout = std::chrono::seconds{5};

} // namespace

task_state::task_state(interface::pointer self, coordinator_actor coordinator, task_config config)
  : self(self), coordinator(std::move(coordinator)), config(std::move(config)) {}

template <class Handle>
Handle task_state::follow(Handle worker) {
  busy = true;
  self->monitor(worker);
  return worker;
}

task_state::interface::behavior_type task_state::make_behavior() {
  self->monitor(coordinator);
  self->set_down_handler([this](const caf::down_msg& x) { on_down(x); });
  auto once = [this] { return refusal(); };
  return {
    [this, once](ingest_work& work, sample_sink_actor& sink) -> caf::result<ingest_actor> {
      if (auto error = once())
        return error;
      return follow(config.factory->make_ingest(self->system(), std::move(work), std::move(sink), config.place));
    },
    [this](transcode_work& work, sample_sink_actor& sink) { return transcode(work, sink); },
    [this, once](file_work& work, file_client_actor& client) -> caf::result<file_worker_actor> {
      if (auto error = once())
        return error;
      this->work = work;
      worker = config.factory->make_file_worker(self->system(), std::move(work), std::move(client), config.place);
      return file_worker_actor{follow(worker)};
    },
    [this](attempt_id attempt, file_client_actor& client) -> caf::result<file_worker_actor> {
      if (!worker)
        return caf::make_error(ec::refused, "this task has no file work");
      taken = true;
      self->send(worker, attempt, std::move(client));
      return file_worker_actor{worker};
    },
    [this](end_atom) {
      if (!busy)
        self->quit();
    },
    [this](const coordinator_actor& x) {
      coordinator = x;
      self->monitor(coordinator);
      offer();
    },
    [this](register_atom) { look_for_coordinator(); },
    [this](tick_atom, uint64_t which) {
      if (!taken && which == orphaned)
        end();
    },
  };
}

caf::error task_state::refusal() const {
  return busy ? caf::make_error(ec::refused, "this task is already working") : caf::error{};
}

caf::result<transcoder_actor> task_state::transcode(transcode_work& work, sample_sink_actor& sink) {
  if (work.beside && transcoder) {
    auto result = self->make_response_promise<transcoder_actor>();
    self->request(transcoder, join_timeout, std::move(work))
      .then([this, result]() mutable { result.deliver(transcoder_actor{transcoder}); },
            [result](const caf::error& why) mutable { result.deliver(why); });
    return result;
  }
  if (auto error = refusal())
    return error;
  config.close_networks();
  transcoder = config.factory->make_transcoder(self->system(), std::move(work), std::move(sink));
  return transcoder_actor{follow(transcoder)};
}

void task_state::on_down(const caf::down_msg& x) {
  if (coordinator != x.source)
    return self->quit(); // the actor that works has ended
  coordinator = nullptr;
  if (!worker || !config.find_coordinator || !std::holds_alternative<chunk_work>(work.work))
    return end();
  taken = false;
  self->delayed_send(self, config.orphan_timeout, tick_atom_v, ++orphaned);
  look_for_coordinator();
}

void task_state::look_for_coordinator() {
  self->home_system().spawn<caf::detached>(
    [find = config.find_coordinator, me = interface{self}](caf::event_based_actor* finder) {
      if (auto found = find())
        finder->send(me, *found);
      else
        finder->delayed_send(me, look_interval, register_atom_v);
    });
}

void task_state::offer() {
  self->request(coordinator, config.orphan_timeout, config.who, work, orphan_actor{self})
    .then([] {},
          [this](const caf::error& why) {
            // Refused, or its job has ended in the meantime. If the coordinator is gone again, its down message says
            // so.
            if (why == ec::refused || why == caf::sec::broken_promise)
              end();
          });
}

void task_state::end() {
  if (worker)
    self->send(worker, stop_atom_v);
  self->quit();
}

task_state::interface spawn_task(caf::actor_system& system, coordinator_actor coordinator, task_config config) {
  return system.spawn<actor_of<task_state>>(std::move(coordinator), std::move(config));
}

} // namespace troupe
