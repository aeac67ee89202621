// A connection as it is accepted: its socket, and who has connected.
#pragma once

#include "core/trust/network.hpp"

#include <memory>
#include <string>

#include <boost/asio/generic/stream_protocol.hpp>

namespace troupe::http {

/// TCP to a client; or, for a client that speaks TLS, a local socket to the `tls_relay` or `http2_session` of its
/// connection.
using client_socket = boost::asio::generic::stream_protocol::socket;

struct guest {
  core::ip_address from{}; ///< the other end of the connection, or the client that its proxy names
  std::string remote;      ///< the same with its port, as text
  bool secure = false;     ///< it speaks TLS
  /// It speaks HTTP/2: other requests of its share its connection, over local sockets of their own.
  bool shares_connection = false;
  bool proxied = false; ///< a proxy has made the connection, by the PROXY protocol
  /// Its place among the connections of its client, whom it names; held until the connection ends.
  std::shared_ptr<std::string> place;
  bool crowded = false;        ///< the server has too many connections
  bool client_crowded = false; ///< the client has too many connections
};

} // namespace troupe::http
