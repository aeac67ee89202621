// What frames the chunks of a body whose length is not known (RFC 9112, 7.1).
#pragma once

#include <string_view>

#include <boost/asio/buffer.hpp>

namespace troupe::http {

inline constexpr std::string_view chunk_end = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// The text must live as long as the buffer.
inline boost::asio::const_buffer buffer_of(std::string_view text) {
  return {text.data(), text.size()};
}

} // namespace troupe::http
