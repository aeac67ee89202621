// A relay on loopback that cuts each connection after a number of bytes, in either direction, like a bad line.
#pragma once

#include "base/descriptor.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace troupe::http {

class cutting_proxy {
public:
  /// Serves one connection at a time.
  cutting_proxy(uint16_t to, size_t bytes_each) : to_(to), bytes_each_(bytes_each) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener_ = base::descriptor{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    socklen_t size = sizeof at;
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener_.get(), 16) != 0
        || ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
      throw std::runtime_error("the proxy cannot listen");
    port_ = ntohs(at.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }

  ~cutting_proxy() {
    stop_ = true;
    thread_.join();
  }

  uint16_t port() const noexcept {
    return port_;
  }

  uint32_t cuts() const noexcept {
    return cuts_;
  }

private:
  static constexpr int slice_ms = 20;

  void serve() {
    while (!stop_) {
      pollfd what{listener_.get(), POLLIN, 0};
      if (::poll(&what, 1, slice_ms) > 0)
        relay(base::descriptor{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)});
    }
  }

  void relay(base::descriptor client) {
    base::descriptor server{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(to_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(server.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      return;
    std::array<size_t, 2> moved{};
    std::array<pollfd, 2> ends{pollfd{client.get(), POLLIN, 0}, pollfd{server.get(), POLLIN, 0}};
    while (!stop_) {
      if (::poll(ends.data(), ends.size(), slice_ms) <= 0)
        continue;
      for (size_t i = 0; i < ends.size(); ++i) {
        if (ends[i].revents == 0)
          continue;
        std::array<char, 16 * 1024> block;
        auto n = ::recv(ends[i].fd, block.data(), block.size(), 0);
        if (n <= 0)
          return;
        auto size = static_cast<size_t>(n);
        if (moved[i] + size > bytes_each_) {
          ++cuts_;
          return;
        }
        moved[i] += size;
        if (::send(ends[1 - i].fd, block.data(), size, MSG_NOSIGNAL) != n)
          return;
      }
    }
  }

  uint16_t to_;
  size_t bytes_each_;
  uint16_t port_ = 0;
  base::descriptor listener_;
  std::atomic<bool> stop_{false};
  std::atomic<uint32_t> cuts_{0};
  std::thread thread_;
};

} // namespace troupe::http
