// GPU WATCH: measures the GPUs of a worker's machine.
//
// It has a thread of its own, because a driver answers when it likes, and may hang. The worker asks with each heartbeat and goes on without the answer; it dies
// with its worker. A driver that is not there is looked for again from time to time.
#pragma once

#include "messages/actors.hpp"
#include "messages/gpu.hpp"

#include <caf/actor_system.hpp>

#include <map>
#include <string>

namespace troupe {

struct gpu_watch_config {
  gpu_override for_worker;                     ///< limits of all cards of this worker
  std::map<std::string, gpu_override> for_gpu; ///< by UUID or PCI address
};

using gpu_watch_actor = caf::typed_actor<
  // All cards as they are now. The tasks are those of this worker: which leases their processes serve.
  caf::result<std::vector<gpu_report>>(status_atom, std::vector<task_statistics>)>;

gpu_watch_actor spawn_gpu_watch(caf::actor_system& system, gpu_watch_config config);

} // namespace troupe
