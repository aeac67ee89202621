// The one way in which our actors are spawned.
#pragma once

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace troupe {

/// An actor whose state class names its `interface` (a typed handle) and makes its behavior.
template <class State>
using actor_of = caf::stateful_actor<State, typename State::interface::base>;

} // namespace troupe
