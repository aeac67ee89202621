// All of caf-node as a function, so that a test program that misbehaves on purpose is caf-node with faults.
#pragma once

#include "actors/task.hpp"

namespace troupe::nodes {

/// Takes the arguments of `main` and returns its result. Task processes of this node run this same program, so they
/// have its faults.
int node_main(int argc, char** argv, task_faults faults = {});

} // namespace troupe::nodes
