// What the nodes of each role may send to the coordinator, taken from the interfaces of the actors.
#pragma once

#include "core/trust/link_filter.hpp"
#include "core/trust/link_proof.hpp"

#include <caf/actor_system.hpp>

#include <string>

namespace troupe {

core::link_rules link_rules_of(core::link_role role);

/// This process, as CAF writes its name into messages.
std::string wire_name(caf::actor_system& system);

/// How the messages of a task with this pass that begin with a `task_join` must begin.
std::string wire_join(const core::task_pass& x);

} // namespace troupe
