// Errors as clients see them: RFC 9457 problem details. All error replies are made here.
#pragma once

#include "http/message.hpp"
#include "messages/error.hpp"

#include <caf/error.hpp>

#include <string>
#include <string_view>

namespace troupe::http {

/// A reply of type `application/problem+json`. Its members are `type`, `title` (the status in words), `status`,
/// `detail` (what was tried, on what, and what to do), `instance` (the request's id) and `code` (a word that programs
/// can compare).
reply problem(status code, std::string_view word, std::string_view detail, std::string_view request_id);

/// The same from one of our error codes: the code determines the status, and an empty `detail` is filled in. An error
/// that may soon pass gets a Retry-After.
reply problem(ec code, std::string_view detail, std::string_view request_id);

/// For one client too many.
reply too_many_clients(std::string_view request_id);

/// The same from an error of an actor, ours or one of CAF, for viewers of a channel: it shows only the host of a
/// source.
reply for_viewers(const caf::error& reason, std::string_view request_id);

/// The same from an error of an actor, ours or one of CAF.
reply problem(const caf::error& reason, std::string_view request_id);

} // namespace troupe::http
