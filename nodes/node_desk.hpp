// The registry of files that a coordinator's jobs and HTTP server share, set up from the configuration.
#pragma once

#include "config/config.hpp"
#include "transfer/desk.hpp"

#include <tl/expected.hpp>

#include <memory>
#include <string>

namespace troupe::nodes {

/// The error says why its secret cannot be stored.
tl::expected<std::shared_ptr<transfer::desk>, std::string> open_desk(const config::configuration& x);

} // namespace troupe::nodes
