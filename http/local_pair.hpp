// Two connected local sockets: what is written to one end is read from the other. Through them, what ends TLS talks to
// the connections of this server, which may be on other threads.
#pragma once

#include "base/descriptor.hpp"

#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace troupe::http {

struct local_pair {
  using socket = boost::asio::local::stream_protocol::socket;

  socket mine;
  base::descriptor other; ///< the end for a connection

  /// Empty if the process has no descriptor left. `in` will run the operations of `mine`.
  static std::optional<local_pair> make(boost::asio::io_context& in);
};

} // namespace troupe::http
