// A client's connection that speaks TLS: how it begins and how it ends. What is said in between is the matter of a
// `tls_relay` or an `http2_session`.
#pragma once

#include "http/loop.hpp"

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace troupe::http {

struct tls_stream {
  std::shared_ptr<boost::asio::ssl::context> settings; ///< outlives the stream
  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> client;
};

using tls_stream_ptr = std::shared_ptr<tls_stream>;

/// Called on the loop's thread if a handshake is successful. `http2`: the client has chosen HTTP/2.
using greeted_handler = std::function<void(tls_stream_ptr, bool http2)>;

/// Performs the handshake, within `span`.
void greet(loop& in, boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> settings,
           std::chrono::milliseconds span, greeted_handler take);

/// Tells the client within TLS and of TCP that nothing follows, then waits a moment for it to close.
void farewell(loop& in, tls_stream_ptr from);

} // namespace troupe::http
