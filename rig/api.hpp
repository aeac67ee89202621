// Asks a coordinator's API.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <boost/json/value.hpp>

namespace troupe::bench {

/// Null if no answer comes within `limit`, or if it is not 200 with JSON.
boost::json::value api_get(uint16_t port, const std::string& target, std::chrono::milliseconds limit);

} // namespace troupe::bench
