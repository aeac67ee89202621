#include "rig/live_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr size_t head_bytes_max = 64 * 1024;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result;
}

milliseconds until(clock::time_point end) {
  return std::max(milliseconds{0}, std::chrono::duration_cast<milliseconds>(end - clock::now()));
}

[[noreturn]] void give_up(const std::string& step) {
  throw std::runtime_error("cannot " + step + " on loopback: " + std::strerror(errno));
}

} // namespace

listening listen_on_loopback(uint16_t port) {
  listening result;
  result.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(port);
  socklen_t size = sizeof address;
  int on = 1;
  ::setsockopt(result.socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (result.socket < 0 || ::bind(result.socket, reinterpret_cast<sockaddr*>(&address), size) != 0
      || ::listen(result.socket, SOMAXCONN) != 0
      || ::getsockname(result.socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    give_up("listen");
  result.port = ntohs(address.sin_port);
  return result;
}

void no_delay(int socket) {
  int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool send_all(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent <= 0)
      return false;
    bytes = bytes.subspan(static_cast<size_t>(sent));
  }
  return true;
}

base::descriptor connect_to_loopback(uint16_t port, int receive_buffer) {
  base::descriptor result{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (receive_buffer > 0)
    ::setsockopt(result.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  auto address = loopback(port);
  if (!result || ::connect(result.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    give_up("connect to port " + std::to_string(port));
  return result;
}

int http_ask(uint16_t port, const std::string& target) {
  auto result = connect_to_loopback(port);
  no_delay(result.get());
  auto request = "GET " + target + " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
  if (!send_all(result.get(), std::as_bytes(std::span{request})))
    give_up("ask for " + target);
  return result.release();
}

bool wait_ready(int descriptor, short events, milliseconds limit) {
  auto end = clock::now() + limit;
  pollfd entry{descriptor, events, 0};
  for (;;) {
    auto ready = ::poll(&entry, 1, static_cast<int>(until(end).count()));
    if (ready >= 0 || errno != EINTR)
      return ready > 0;
  }
}

int http_head(int socket, std::string& body, milliseconds limit) {
  auto end = clock::now() + limit;
  std::string all;
  char some[4096];
  for (;;) {
    if (all.size() > head_bytes_max || !wait_ready(socket, POLLIN, until(end)))
      return 0;
    auto got = ::recv(socket, some, sizeof some, 0);
    if (got <= 0)
      return 0;
    all.append(some, static_cast<size_t>(got));
    if (auto stop = all.find("\r\n\r\n"); stop != std::string::npos) {
      body = all.substr(stop + 4);
      auto space = all.find(' ');
      return space < stop ? std::atoi(all.c_str() + space + 1) : 0;
    }
  }
}

} // namespace troupe::bench
