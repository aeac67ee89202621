// Makes text from outside safe for messages and printed configurations.
#pragma once

#include <string>
#include <string_view>

namespace troupe::config {

/// `text` for a message: quoted, cut, and without control characters.
std::string quote(std::string_view text);

/// True if `text` is UTF-8 without control characters. With `lines`, line breaks are allowed.
bool is_clean_text(std::string_view text, bool lines = false);

} // namespace troupe::config
