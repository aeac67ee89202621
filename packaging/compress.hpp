// Converts texts to the bytes of HTTP bodies.
#pragma once

#include "messages/media.hpp"

#include <string_view>

namespace troupe {

shared_bytes bytes_of(std::string_view text);

/// Compresses the text in gzip's format (RFC 1952).
shared_bytes compressed(std::string_view text);

} // namespace troupe
