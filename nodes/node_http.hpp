// From the configuration to the HTTP server, and how connections share the descriptors of a process.
#pragma once

#include "config/config.hpp"
#include "http/config.hpp"

#include <cstdint>

namespace troupe::nodes {

/// At most `wanted` connections of a kind, and no more than one `parts`th of the descriptors; says so in the log where that is less.
uint64_t share_of(uint64_t descriptors, uint64_t parts, uint64_t wanted, const char* what);

/// Half of the descriptors are for HTTP, a quarter is for workers and tasks, and what is left for files, pipes and databases.
inline constexpr uint64_t http_parts = 2;
inline constexpr uint64_t cluster_parts = 4;

http::server_config http_settings(const config::configuration& x, uint64_t descriptors);

} // namespace troupe::nodes
