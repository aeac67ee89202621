// Request targets and request ids: how clients name things.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::http {

/// The decoded segments of a request target in origin form ("/a/b?q") or absolute form ("http://host/a/b"); a slash at
/// the end is ignored. Empty if it is malformed or has control characters.
std::optional<std::vector<std::string>> decode_path(std::string_view target);

/// One segment in the form used in a path: everything except unreserved characters is percent-encoded.
std::string encode_segment(std::string_view text);

/// The target "/t/TOKEN/..." without its secret: "/t/***/...".
std::string mask_token(std::string_view target);

/// 16 hexadecimal digits, unique among the requests of this process.
std::string new_request_id();

/// Whether an id from a client can be used: 1 to 64 letters, digits, '.', '_' and '-'.
bool is_request_id(std::string_view text);

} // namespace troupe::http
