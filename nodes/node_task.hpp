// The role "task": a process that a task host starts and that gets its work from the coordinator.
#pragma once

#include "actors/work_factory.hpp"
#include "config/config.hpp"

#include <memory>

namespace troupe::nodes {

/// The first argument that a task host gives to such a process.
inline constexpr const char* task_role = "--role=task";

/// Reads the name and the secret of its pass from standard input, enters its cage and joins the coordinator. Returns
/// when the work is done, the coordinator is gone, or the host is gone while there is no work. The result is the exit
/// status of the process.
int run_task(const config::configuration& x, std::shared_ptr<const work_factory> factory);

} // namespace troupe::nodes
