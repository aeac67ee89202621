#include "test/cluster/web_server.hpp"

#include <array>
#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::test {

namespace {

/// A socket on any free port of loopback.
int bound_socket(uint16_t& port) {
  auto result = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(result, reinterpret_cast<sockaddr*>(&at), size) != 0
      || ::getsockname(result, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("cannot bind a port of loopback");
  port = ntohs(at.sin_port);
  return result;
}

} // namespace

web_server::web_server(std::string page) : page_(std::move(page)), listener_(bound_socket(port_)) {
  if (::listen(listener_, 16) != 0 || ::pipe2(stop_, O_CLOEXEC) != 0)
    throw std::runtime_error("cannot listen on loopback");
  thread_ = std::thread{[this] { serve(); }};
}

web_server::~web_server() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
  ::close(listener_);
}

void web_server::serve() const {
  auto answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: "
                + std::to_string(page_.size()) + "\r\n\r\n" + page_;
  for (;;) {
    std::array<pollfd, 2> waiting{{{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) <= 0)
      continue;
    if (waiting[1].revents != 0)
      return;
    auto client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0)
      continue;
    // A request of a few hundred bytes comes at once; what it asks for does not matter.
    std::array<char, 4096> request;
    pollfd readable{client, POLLIN, 0};
    if (::poll(&readable, 1, 1'000) > 0 && ::recv(client, request.data(), request.size(), 0) > 0)
      (void)::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::close(client);
  }
}

uint16_t closed_port() {
  uint16_t port = 0;
  ::close(bound_socket(port));
  return port;
}

} // namespace troupe::test
