// The registry of files that a coordinator's jobs and HTTP server share, set up from the configuration.
#pragma once

#include "config/config.hpp"
#include "transfer/upload_registry.hpp"

#include <tl/expected.hpp>

#include <memory>
#include <string>

namespace troupe::nodes {

/// The error says why its secret cannot be stored.
tl::expected<std::shared_ptr<transfer::upload_registry>, std::string> open_uploads(const config::configuration& x);

} // namespace troupe::nodes
