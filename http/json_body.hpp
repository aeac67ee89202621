// JSON sent by clients: its size and depth are limited, and its meaning is unambiguous.
// JSON answers are made here, too.
#pragma once

#include "http/message.hpp"

#include <string>
#include <string_view>

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

namespace troupe::http {

/// The value. The error says what is wrong: invalid JSON, nesting deeper than `json_depth_max`, a name of more than
/// `json_name_bytes_max` bytes, or the same name twice in one object.
tl::expected<boost::json::value, std::string> read_json(std::string_view text);

reply json_reply(const boost::json::value& x, status code = status::ok);

} // namespace troupe::http
