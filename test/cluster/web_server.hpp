// An HTTP server that answers every request with the same page: what a wrong URL of a source often leads to.
#pragma once

#include <cstdint>
#include <string>
#include <thread>

namespace troupe::test {

class web_server {
public:
  /// Listens on loopback.
  explicit web_server(std::string page);

  web_server(const web_server&) = delete;
  web_server& operator=(const web_server&) = delete;
  ~web_server();

  uint16_t port() const noexcept {
    return port_;
  }

private:
  void serve() const;

  std::string page_;
  uint16_t port_ = 0; // before the socket, whose making sets it
  int listener_ = -1;
  int stop_[2] = {-1, -1}; // a pipe: closed to end the thread
  std::thread thread_;
};

/// A port of loopback on which nobody listens.
uint16_t closed_port();

} // namespace troupe::test
