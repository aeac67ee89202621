// The whole of caf-node, as a function: a program of a test that misbehaves on purpose is caf-node with faults.
#pragma once

#include "actors/task.hpp"

namespace troupe::nodes {

/// What `main` gets, and what it returns. Task processes of this node are started as this very program, so they have its faults.
int node_main(int argc, char** argv, task_faults faults = {});

} // namespace troupe::nodes
