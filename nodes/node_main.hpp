// All of caf-node as a function, for programs that are caf-node with other actors or codecs in their tasks.
#pragma once

#include "actors/work_factory.hpp"

#include <memory>

namespace troupe::nodes {

/// Takes the arguments of `main` and returns its result. Task processes of this node run this same program, so they
/// have its factory. The processes that test codecs run it, too, and use the factory's engine.
int node_main(int argc, char** argv, std::shared_ptr<const work_factory> factory = std::make_shared<work_factory>());

} // namespace troupe::nodes
