// What a coordinator's API answers, without ceremony: what is missing is empty, 0 or null.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace troupe::bench {

/// Null where no answer comes within `limit`, or another than 200 and JSON.
boost::json::value api_get(uint16_t port, const std::string& target, std::chrono::milliseconds limit);

/// Null where `of` has no such member.
const boost::json::value* member(const boost::json::value& of, std::string_view name);

std::string text(const boost::json::value& of, std::string_view name);

uint64_t number(const boost::json::value& of, std::string_view name);

/// A copy: what it is of is mostly an answer that nobody keeps.
boost::json::array list(const boost::json::value& of, std::string_view name);

} // namespace troupe::bench
