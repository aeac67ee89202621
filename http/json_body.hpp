// JSON that clients send: what is read of it is bounded, and means one thing only.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

namespace troupe::http {

/// The value. The error says what is wrong: no JSON, nested deeper than `json_depth_max`, a name of more than `json_name_bytes_max` bytes, or one that an object has twice.
tl::expected<boost::json::value, std::string> read_json(std::string_view text);

} // namespace troupe::http
