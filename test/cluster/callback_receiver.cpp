#include "test/cluster/callback_receiver.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::test {

namespace {

/// The length of the body that a head announces.
size_t length_of(std::string head) {
  std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return std::tolower(c); });
  auto at = head.find("content-length:");
  return at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 15, nullptr, 10);
}

} // namespace

callback_receiver::callback_receiver(answers status) : status_(std::move(status)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0
      || ::listen(listener_, 16) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0
      || ::pipe2(stop_, O_CLOEXEC) != 0)
    throw std::runtime_error("cannot listen");
  port_ = ntohs(at.sin_port);
  thread_ = std::thread{[this] { serve(); }};
}

callback_receiver::~callback_receiver() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
  ::close(listener_);
}

std::vector<callback_receiver::received> callback_receiver::all() const {
  std::lock_guard guard{mutex_};
  return all_;
}

void callback_receiver::serve() {
  for (;;) {
    pollfd events[] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    if (::poll(events, 2, -1) < 0 || events[1].revents != 0)
      return;
    if (auto client = ::accept(listener_, nullptr, nullptr); client >= 0) {
      take(client);
      ::close(client);
    }
  }
}

void callback_receiver::take(int client) {
  std::string text;
  auto whole = [&text] {
    auto end = text.find("\r\n\r\n");
    return end != std::string::npos && text.size() >= end + 4 + length_of(text.substr(0, end));
  };
  while (!whole()) {
    pollfd event{client, POLLIN, 0};
    char block[4096];
    auto n = ::poll(&event, 1, 5'000) > 0 ? ::recv(client, block, sizeof block, 0) : 0;
    if (n <= 0)
      return;
    text.append(block, static_cast<size_t>(n));
  }
  auto end = text.find("\r\n\r\n");
  size_t number = 0;
  {
    std::lock_guard guard{mutex_};
    number = all_.size();
    all_.push_back({text.substr(0, end + 2), text.substr(end + 4)});
  }
  auto status = status_(number);
  if (status == 0)
    return;
  auto answer = "HTTP/1.1 " + std::to_string(status)
                + " x\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  static_cast<void>(::send(client, answer.data(), answer.size(), MSG_NOSIGNAL));
}

} // namespace troupe::test
