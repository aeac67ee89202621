// The roles "coordinator", "worker" and "all": starts what the role needs, waits for the end, stops it in order.
#pragma once

#include "config/config.hpp"

namespace troupe::nodes {

/// Returns when SIGINT or SIGTERM comes, or an essential part is gone. The exit status of the process.
int run_node(const config::configuration& x);

} // namespace troupe::nodes
