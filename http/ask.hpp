// Questions from threads that are not actors: a short-lived actor asks, so that the caller never waits.
#pragma once

#include "actors/gateway.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/expected.hpp>

#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>

namespace troupe::http {

/// Sends `args` to the gateway and calls `on_result(caf::expected<Result>)` once, on a thread of the actor system.
/// `on_result` gets the answer, an error of the gateway, or `caf::sec::request_timeout`. It is not called if the actor
/// system ends first.
template <class Result, class Handler, class... Args>
void ask(caf::actor_system& system, const gateway_actor& gateway, std::chrono::milliseconds timeout, Handler on_result,
         Args... args) {
  auto handler = std::make_shared<Handler>(std::move(on_result));
  system.spawn([gateway, timeout, handler, args...](caf::event_based_actor* self) {
    auto fail = [handler](caf::error& reason) { (*handler)(caf::expected<Result>{std::move(reason)}); };
    auto pending = self->request(gateway, caf::timespan{timeout}, args...);
    if constexpr (std::is_void_v<Result>)
      std::move(pending).then([handler] { (*handler)(caf::expected<void>{}); }, fail);
    else
      std::move(pending).then([handler](Result& x) { (*handler)(caf::expected<Result>{std::move(x)}); }, fail);
  });
}

} // namespace troupe::http
