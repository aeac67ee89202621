// GPU WATCH: measures the GPUs of a worker's machine.
//
// It has a thread of its own, because a driver may answer late or hang. The worker asks with each heartbeat and does
// not wait for the answer. This actor dies with its worker. If a driver is missing, it is looked for again from time to
// time.
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
  // The present state of all cards. The given tasks are those of this worker: they tell which leases their processes
  // serve.
  caf::result<std::vector<gpu_report>>(status_atom, std::vector<task_statistics>)>;

gpu_watch_actor spawn_gpu_watch(caf::actor_system& system, gpu_watch_config config);

} // namespace troupe
