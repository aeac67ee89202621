// Accepts connections at one address, while server and client have room for them, and hands them to loops in turn. If
// the PROXY protocol is on, a proxy's connection says first who the client is.
#pragma once

#include "core/trust/proxy_header.hpp"
#include "http/guest.hpp"
#include "http/service.hpp"
#include "telemetry/log_budget.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace troupe::http {

/// Belongs to the thread of its first loop, and must end before that loop.
class listener {
public:
  using tcp = boost::asio::ip::tcp;
  /// Called on the thread of the first loop; the socket belongs to the given loop.
  using taker = std::function<void(loop&, tcp::socket, guest)>;

  /// Both counters limit the connections: those of the server, and `own`. `secure`: clients speak TLS.
  listener(service_ptr shared, std::vector<loop*> loops, std::shared_ptr<statistics> own, bool secure, taker take);

  /// Returns the error, or nothing.
  std::string listen(const tcp::endpoint& at);

  void start();

  /// Accepts no more.
  void close();

  uint16_t port() const noexcept {
    return port_;
  }

private:
  using error_code = boost::system::error_code;

  void accept();
  /// Out of descriptors or memory: an immediate retry would only waste processor time.
  void rest();
  /// Reads the header of a proxy, and admits the client that it names.
  void greet(loop& next, tcp::socket socket, guest proxy);
  void take(loop& next, tcp::socket socket, guest who);
  /// Gives the guest a place. False if the connection is to be closed.
  bool admit(guest& who);
  /// Logs that a connection is turned away: only once in a while, however many there are.
  void complain(const char* why);

  service_ptr shared_;
  std::vector<loop*> loops_;
  std::shared_ptr<statistics> own_;
  bool secure_;
  taker take_;
  tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  telemetry::log_budget complaints_{1, std::chrono::minutes{1}};
  size_t turn_ = 0;
  uint16_t port_ = 0;
};

} // namespace troupe::http
