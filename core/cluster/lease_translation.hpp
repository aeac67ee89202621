// Translates between leases and places: what a registration offers, what a request asks for, and what a choice means
// for the task.
#pragma once

#include "core/placement/placement_index.hpp"
#include "messages/cluster.hpp"
#include "messages/daemon.hpp"

#include <tl/expected.hpp>

#include <string>
#include <vector>

namespace troupe::core {

/// A worker's offer, and its devices with what was proven on each. A device on which something works, but that no
/// report describes, counts as a card of its own. Such a device is known only from the worker's registration.
struct registered_offer {
  worker_offer offer;
  std::vector<device_offer> devices;
};

registered_offer offer_of(const registration& x);

/// What a lease request asks of a worker. An error if its wish can never be met, worded for the author of the profile.
tl::expected<placement_request, std::string> placement_request_of(const lease_request& x);

/// What the task is told about its place. `card` is null for software; `wish` without an encoder leaves the seat empty.
encoder_seat seat_of(const encoder_wish& wish, const choice& at, const rung& on, const gpu_view* card);

/// Whether the request is refused at once if all sessions are in use.
bool is_refused_at_once(const lease_request& x, const placement_request& asked);

} // namespace troupe::core
