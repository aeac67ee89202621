// The role "task": a process that a task host starts and the coordinator gives work to.
#pragma once

#include "actors/task.hpp"
#include "config/config.hpp"

namespace troupe::nodes {

/// What a task host says to such a process first.
inline constexpr const char* task_role = "--role=task";

/// Reads "task-id host-id token" from standard input, joins the coordinator, and returns when the work is done, the coordinator is gone, or
/// the host is gone while there is no work. The exit status of the process.
int run_task(const config::configuration& x, task_faults faults = {});

} // namespace troupe::nodes
