// Tests which encoders and decoders really work on this machine. Each is tried in a child process, on each GPU that it
// may run on, so a driver that crashes or hangs does no harm. The result is cached in a file until the libraries, the
// GPUs or their drivers change.
#pragma once

#include "config/config.hpp"
#include "encoder/codec/engine.hpp"
#include "messages/daemon.hpp"

#include <atomic>
#include <string>
#include <vector>

namespace troupe::nodes {

/// The first argument of such a child process.
inline constexpr const char* prove_command = "prove-codecs";

/// The child: runs the trials on the devices in `argv[3]`, starting with trial number `argv[2]`, in the cage of a task
/// with the arguments that follow. Prints a line of JSON after each, and at the end one with the machine's speed.
int run_trials(int argc, char** argv, const av::engine& codecs);

/// Returns the cached result from `worker.capability_cache`, otherwise the result of testing everything. Without
/// `worker.prove` nothing is tested, and only the cache's entries count as proven. The trials run as tasks with
/// `task_arguments` do. Setting `stop` aborts running trials within a moment.
capabilities prove(const config::configuration& x, const std::vector<std::string>& task_arguments,
                   const std::atomic<bool>& stop);

/// The same, but everything that libav* lists counts as working.
capabilities assume();

} // namespace troupe::nodes
