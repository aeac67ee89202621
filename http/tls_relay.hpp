// One connection of a client that speaks TLS: between the client and a local socket, on whose other end the server
// speaks plain HTTP.
//
// So nothing else in this folder knows TLS: a connection can change its thread, and clients without TLS pay nothing. In
// each direction one piece of at most one TLS record is on its way, so a slow client slows its source as over TCP.
#pragma once

#include "base/descriptor.hpp"
#include "http/loop.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace troupe::http {

class tls_relay final : public peer {
public:
  using tcp = boost::asio::ip::tcp;

  struct limits {
    std::chrono::milliseconds handshake; ///< from the connection to its end
    std::chrono::milliseconds write;     ///< ends a client that takes no data for this long
  };

  /// Called when the handshake is done, with the other end of the local socket.
  using taker = std::function<void(base::descriptor)>;

  tls_relay(loop& in, tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> settings, limits times,
            taker take);

  void start();

  void deadline_passed() override;

  /// Ends a handshake. Everything else ends when the server closes its end.
  void shut_down() override;

private:
  enum class phase { handshake, relaying, ending, closed };

  using error_code = boost::system::error_code;
  using record = std::array<char, 16 * 1024>;

  void greeted(const error_code& failure);
  void read_client();
  void read_server();
  /// The server has closed: tells the client so, within TLS and of TCP.
  void end();
  void close();

  loop& loop_;
  std::shared_ptr<boost::asio::ssl::context> settings_; ///< outlives the stream
  boost::asio::ssl::stream<tcp::socket> client_;
  boost::asio::local::stream_protocol::socket server_;
  limits times_;
  taker take_;
  phase phase_ = phase::handshake;
  record from_client_;
  record from_server_;
};

} // namespace troupe::http
