// JSON sent by clients: its size and depth are limited, and its meaning is unambiguous.
// JSON answers are made here, too.
#pragma once

#include "http/message.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <tl/expected.hpp>

namespace troupe::http {

/// The value. The error says what is wrong: invalid JSON, nesting deeper than `json_depth_max`, a name of more than
/// `json_name_bytes_max` bytes, or the same name twice in one object.
tl::expected<boost::json::value, std::string> read_json(std::string_view text);

/// Reads an object whose members are all among `known`.
tl::expected<boost::json::object, std::string> read_object(const std::string& body,
                                                           std::initializer_list<std::string_view> known);

/// The whole number of this name from 1 to `most`; 0 if it is missing or null. `unit` is for the error.
tl::expected<int64_t, std::string> read_count(const boost::json::object& of, std::string_view name, int64_t most,
                                              std::string_view unit = "milliseconds");

reply json_reply(const boost::json::value& x, status code = status::ok);

} // namespace troupe::http
