#include "test/cluster/web_server.hpp"

#include "rig/process.hpp"

#include <array>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::test {

namespace {

/// The second word of a request's first line, without a query; empty if there is none.
std::string path_of(std::string_view request) {
  auto begin = request.find(' ');
  if (begin == std::string_view::npos)
    return {};
  auto rest = request.substr(begin + 1);
  return std::string{rest.substr(0, rest.find_first_of(" ?\r\n"))};
}

/// False if the client does not take all of it.
bool send_all(int client, std::string_view text) {
  while (!text.empty()) {
    auto n = ::send(client, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0)
      return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

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

web_server::web_server(std::string page)
  : web_server(answers{[text = std::move(page)](const std::string&) { return std::optional{text}; }}) {}

web_server::web_server(answers pages) : pages_(std::move(pages)), listener_(bound_socket(port_)) {
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

web_server::answers web_server::folder(std::string path) {
  return [path = std::move(path)](const std::string& name) -> std::optional<std::string> {
    auto file = path + "/" + std::filesystem::path{name}.filename().string();
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored))
      return std::nullopt;
    return bench::read_file(file);
  };
}

void web_server::answer(int client) const {
  // A request of a few hundred bytes comes at once.
  std::array<char, 4096> request;
  pollfd readable{client, POLLIN, 0};
  if (::poll(&readable, 1, 1'000) <= 0)
    return;
  auto size = ::recv(client, request.data(), request.size(), 0);
  if (size <= 0)
    return;
  auto body = pages_(path_of({request.data(), static_cast<size_t>(size)}));
  auto status = body ? "200 OK" : "404 Not Found";
  auto head = std::string{"HTTP/1.1 "} + status + "\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: "
              + std::to_string(body ? body->size() : 0) + "\r\n\r\n";
  (void)send_all(client, head + body.value_or(""));
}

void web_server::serve() const {
  for (;;) {
    std::array<pollfd, 2> waiting{{{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) <= 0)
      continue;
    if (waiting[1].revents != 0)
      return;
    auto client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0)
      continue;
    answer(client);
    ::close(client);
  }
}

uint16_t closed_port() {
  uint16_t port = 0;
  ::close(bound_socket(port));
  return port;
}

} // namespace troupe::test
