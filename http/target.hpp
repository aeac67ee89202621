// Request targets and request ids: what a client may call things.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::http {

/// The decoded segments of a request target in origin form ("/a/b?q") or absolute form ("http://host/a/b"); a slash at the end
/// does not count. Nothing where it is malformed or holds control characters.
std::optional<std::vector<std::string>> decode_path(std::string_view target);

/// One segment as it stands in a path: everything but unreserved characters percent-encoded.
std::string encode_segment(std::string_view text);

/// 16 hexadecimal digits that no other request of this process has.
std::string new_request_id();

/// Whether an id that a client brings can be taken over: 1 to 64 letters, digits, '.', '_' and '-'.
bool is_request_id(std::string_view text);

} // namespace troupe::http
