// The roles "coordinator", "worker" and "all": starts the parts of the role, waits for the end, and stops them in
// order.
#pragma once

#include "config/config.hpp"

namespace troupe::nodes {

/// Returns on SIGINT or SIGTERM, or if an essential part ends. The result is the exit status of the process.
int run_node(config::configuration x);

} // namespace troupe::nodes
