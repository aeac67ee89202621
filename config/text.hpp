// Text from outside, made fit for messages and printed configurations.
#pragma once

#include <string>
#include <string_view>

namespace troupe::config {

/// `text` fit for a message: quoted, cut, and without control characters.
std::string quote(std::string_view text);

/// Whether `text` is UTF-8 and, unless `lines`, without control characters.
bool is_clean_text(std::string_view text, bool lines = false);

} // namespace troupe::config
