// Paths as text. File names are bytes, but text that is sent or stored (JSON, databases, logs) is UTF-8 without control
// characters.
//
// A path in that form stays unchanged. Any other path is written as a file URL (RFC 8089) with the necessary bytes as
// %XX: "file:///srv/caf%E9.mp4". Reading the text back gives the same bytes.
#pragma once

#include <optional>
#include <string>

namespace troupe::base {

/// An absolute path as text. A string that is not a path stays unchanged.
std::string to_path_text(const std::string& path);

/// The path that such a text names; a text that is not a file URL stays unchanged. Nothing for a file URL with another
/// host or with wrong escapes.
std::optional<std::string> from_path_text(const std::string& text);

} // namespace troupe::base
