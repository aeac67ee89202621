// The desk of files that jobs and the HTTP server of a coordinator share, as the configuration has it.
#pragma once

#include "config/config.hpp"
#include "transfer/desk.hpp"

#include <tl/expected.hpp>

#include <memory>
#include <string>

namespace troupe::nodes {

/// The error says why its secret cannot be kept.
tl::expected<std::shared_ptr<transfer::desk>, std::string> open_desk(const config::configuration& x);

} // namespace troupe::nodes
