// The cage of a node's tasks: which files they reach. processes/cage.hpp puts a process into it.
#pragma once

#include "config/load.hpp"

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::nodes {

/// The configuration of a node, with all files that hold its secrets among those that its tasks must not see.
config::configuration with_hidden_secrets(const config::loaded& x);

/// The arguments that tell a task its cage.
std::vector<std::string> cage_arguments(const config::configuration& x);

/// In a process that has one thread: enters the cage of a task. If the task `has_folder`, it is made first. Returns
/// what enforces the cage. The error says why the process must not work.
tl::expected<std::string, std::string> enter_cage(const config::configuration& x, bool has_folder);

/// What a task reads instead of its ids if it shall only tell what enforces its cage.
inline constexpr const char* cage_question = "cage";

/// Starts a process with a task's arguments, and asks it for its cage. Takes as long as the start of a task.
std::string ask_for_cage(const std::vector<std::string>& arguments);

} // namespace troupe::nodes
