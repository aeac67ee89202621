// What the configuration says to the actors of a node.
#pragma once

#include "actors/cluster/task_host.hpp"
#include "actors/coordinator.hpp"
#include "config/config.hpp"

#include <string>
#include <vector>

namespace troupe::nodes {

/// All arguments of a task, except the coordinator's address.
std::vector<std::string> task_arguments(const config::configuration& x);

/// A host of a worker's tasks has its node's name and secret; a coordinator's has no name.
task_host_config host_config(const config::configuration& x, const std::string& node, const std::string& secret);

/// The limit in a key such as `worker.gpu_sessions`.
gpu_override limit_of(const std::string& sessions);

/// `secret` is that of the coordinator's own tasks.
coordinator_config coordinator_settings(const config::configuration& x, const std::string& secret);

} // namespace troupe::nodes
