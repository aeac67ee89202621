// The beginning of a connection from a proxy: reads the header that says who the client is, and not a byte more. What
// follows, HTTP or TLS, is for whoever gets the socket then.
#pragma once

#include "core/trust/proxy_header.hpp"
#include "http/loop.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

namespace troupe::http {

class proxy_greeting final : public peer {
public:
  using tcp = boost::asio::ip::tcp;

  /// Called once, on the loop's thread, when the header has been read.
  using taker = std::function<void(tcp::socket, const core::proxy_header&)>;

  /// `place` is the connection's own among those of the proxy. A header that is malformed, or does not come within
  /// `timeout`, ends the connection.
  proxy_greeting(loop& in, tcp::socket socket, std::shared_ptr<std::string> place, std::chrono::milliseconds timeout,
                 taker take);

  void start();

  void deadline_passed() override;

  void shut_down() override;

private:
  using error_code = boost::system::error_code;

  void await_bytes();
  /// Looks at what has come, and takes what belongs to the header. False if the connection ends or is handed on.
  bool read_on();
  void close();

  loop& loop_;
  tcp::socket socket_;
  std::shared_ptr<std::string> place_;
  std::chrono::milliseconds timeout_;
  taker take_;
  std::vector<uint8_t> header_; ///< read so far
};

} // namespace troupe::http
