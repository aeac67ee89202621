// The limits of a job as JSON: {"cpu": 1.5, "memory": "2GiB", "disk": "10GiB", "time": "2h", "nice": 10, "ionice":
// "idle"}.
#pragma once

#include "messages/limits.hpp"

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

#include <string>

namespace troupe::http {

/// A value as an option takes it: the text of a string, or what JSON writes.
std::string text_of(const boost::json::value& x);

/// The error says which member is wrong and what is allowed.
tl::expected<work_limits, std::string> read_limits(const boost::json::value& x);

} // namespace troupe::http
