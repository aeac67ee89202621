#include "actors/task.hpp"

#include "actors/actor_of.hpp"
#include "actors/file_worker.hpp"
#include "actors/ingest.hpp"

namespace troupe {

task_state::task_state(interface::pointer self, coordinator_actor coordinator, transcoder_faults faults)
  : self(self), coordinator(std::move(coordinator)), faults(std::move(faults)) {}

template <class Handle>
Handle task_state::follow(Handle worker) {
  busy = true;
  self->monitor(worker);
  return worker;
}

task_state::interface::behavior_type task_state::make_behavior() {
  // The only actors that are monitored are the coordinator and the one that works: this task ends with either.
  self->monitor(coordinator);
  self->set_down_handler([this](const caf::down_msg&) { self->quit(); });
  auto once = [this]() -> caf::error {
    return busy ? caf::make_error(ec::refused, "this task works already") : caf::error{};
  };
  return {
    [this, once](ingest_work& work, sample_sink_actor& sink) -> caf::result<ingest_actor> {
      if (auto error = once())
        return error;
      return follow(spawn_ingest(self->system(), std::move(work), std::move(sink)));
    },
    [this, once](transcode_work& work, sample_sink_actor& sink) -> caf::result<transcoder_actor> {
      if (auto error = once())
        return error;
      return follow(spawn_transcoder(self->system(), std::move(work), std::move(sink), faults));
    },
    [this, once](file_work& work, file_client_actor& client) -> caf::result<file_worker_actor> {
      if (auto error = once())
        return error;
      return follow(spawn_file_worker(self->system(), std::move(work), std::move(client)));
    },
    [this](end_atom) {
      if (!busy)
        self->quit();
    },
  };
}

task_state::interface spawn_task(caf::actor_system& system, coordinator_actor coordinator, transcoder_faults faults) {
  return system.spawn<actor_of<task_state>>(std::move(coordinator), std::move(faults));
}

} // namespace troupe
