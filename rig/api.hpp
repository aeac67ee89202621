// Reads a coordinator's API leniently: a missing value is empty, 0 or null.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace troupe::bench {

/// Null if no answer comes within `limit`, or if it is not 200 with JSON.
boost::json::value api_get(uint16_t port, const std::string& target, std::chrono::milliseconds limit);

/// Null if `of` has no such member.
const boost::json::value* member(const boost::json::value& of, std::string_view name);

std::string text(const boost::json::value& of, std::string_view name);

uint64_t number(const boost::json::value& of, std::string_view name);

/// Returns a copy, because the caller usually does not keep the answer `of`.
boost::json::array list(const boost::json::value& of, std::string_view name);

} // namespace troupe::bench
