// One connection of a client that speaks HTTP/1.1 over TLS: between the client and a local socket, on whose other end
// the server speaks plain HTTP.
//
// So nothing else knows TLS: a connection can change its thread, and clients without TLS pay nothing. In each direction
// one piece of at most one TLS record is on its way, so a slow client slows its source as over TCP.
#pragma once

#include "http/local_pair.hpp"
#include "http/loop.hpp"
#include "http/tls_stream.hpp"

#include <array>
#include <chrono>

namespace troupe::http {

class tls_relay final : public peer {
public:
  /// `write`: ends a client that takes no data for this long.
  tls_relay(loop& in, tls_stream_ptr client, local_pair::socket server, std::chrono::milliseconds write);

  void start();

  void deadline_passed() override;

  /// Does nothing: it ends when the server closes its end.
  void shut_down() override {}

private:
  using error_code = boost::system::error_code;
  using record = std::array<char, 16 * 1024>;

  void read_client();
  void read_server();
  void close();

  loop& loop_;
  tls_stream_ptr client_;
  local_pair::socket server_;
  std::chrono::milliseconds write_;
  bool closed_ = false;
  record from_client_;
  record from_server_;
};

} // namespace troupe::http
