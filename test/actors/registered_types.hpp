// CAF can create an actor system, or the text of an error, only after our message types are registered.
#pragma once

#include "actors/gateway.hpp"

namespace troupe {

/// The base of fixtures: the types are registered before any member is made.
struct registered_types {
  registered_types() {
    static const bool registered = (register_node_types(), true);
    (void)registered;
  }
};

} // namespace troupe
