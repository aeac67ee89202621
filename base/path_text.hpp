// Paths as text: the names of files are bytes, and texts that travel (JSON, databases, logs) are UTF-8 without control characters.
//
// A path that is such a text stays as it is. Any other is written as a file URL (RFC 8089), each byte that needs it as %XX: "file:///srv/caf%E9.mp4". It is read back to the same bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace troupe::base {

/// Whether the text is UTF-8 (RFC 3629) without control characters.
bool is_plain_text(std::string_view x);

/// The text with '?' for each byte that is none of UTF-8, and for each control character.
std::string plain_text(std::string_view x);

/// An absolute path as text. What is no path stays as it is.
std::string to_path_text(const std::string& path);

/// The path that such a text names; what is no file URL stays as it is. Nothing for a file URL of another host, or with wrong escapes.
std::optional<std::string> from_path_text(const std::string& text);

} // namespace troupe::base
