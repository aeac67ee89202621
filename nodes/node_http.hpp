// Sets up the HTTP server from the configuration, and divides the process's descriptors among connections.
#pragma once

#include "config/config.hpp"
#include "http/config.hpp"

#include <cstdint>

namespace troupe::nodes {

/// At most `wanted` connections of one kind, and at most a fraction 1/`parts` of the descriptors. Logs a line if
/// the result is less than `wanted`.
uint64_t share_of(uint64_t descriptors, uint64_t parts, uint64_t wanted, const char* what);

/// Half of the descriptors are for HTTP, a quarter for workers and tasks, the rest for files, pipes and databases.
inline constexpr uint64_t http_parts = 2;
inline constexpr uint64_t cluster_parts = 4;

/// With HTTPS a connection takes its own descriptor and two of a local socket.
inline constexpr uint64_t https_descriptors = 3;

http::server_config http_settings(const config::configuration& x, uint64_t descriptors);

} // namespace troupe::nodes
