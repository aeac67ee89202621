// CAF makes no actor system, and words no error, before it knows the types of our messages.
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
