#include "bench/fanout_crowd.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// An address of loopback gives ports to so many clients.
constexpr size_t clients_per_address = 2'000;

constexpr milliseconds look_interval{100};

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error("a client of the crowd cannot " + what + ": " + std::strerror(errno));
}

sockaddr_in loopback(uint32_t host, uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(host);
  return result;
}

base::descriptor connect_as(size_t client, uint16_t port) {
  base::descriptor result{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto from = loopback(INADDR_LOOPBACK + 1 + static_cast<uint32_t>(client / clients_per_address), 0);
  auto to = loopback(INADDR_LOOPBACK, port);
  int on = 1;
  if (!result || ::setsockopt(result.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0
      || ::bind(result.get(), reinterpret_cast<sockaddr*>(&from), sizeof from) != 0
      || ::connect(result.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    give_up("connect");
  ::setsockopt(result.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return result;
}

std::string request_for(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n";
}

void send(int socket, std::string_view text) {
  if (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    give_up("send its request");
}

/// Receives and drops at most `most` bytes; 0 if there are none, nothing at the end.
std::optional<size_t> drop(int socket, size_t most) {
  static std::array<char, 1024 * 1024> nowhere;
  auto n = ::recv(socket, nowhere.data(), std::min(most, nowhere.size()), MSG_DONTWAIT | MSG_TRUNC);
  if (n > 0)
    return static_cast<size_t>(n);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return 0;
  return std::nullopt;
}

base::descriptor make_epoll() {
  base::descriptor result{::epoll_create1(EPOLL_CLOEXEC)};
  if (!result)
    give_up("wait");
  return result;
}

void watch(const base::descriptor& epoll, int socket, uint64_t index) {
  epoll_event x{};
  x.events = EPOLLIN;
  x.data.u64 = index;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket, &x) != 0)
    give_up("wait");
}

/// Calls `handle` with the index of each socket that can be read, until `end`.
template <class Handler>
void poll_until(clock::time_point end, const base::descriptor& epoll, Handler handle) {
  std::array<epoll_event, 256> events;
  for (auto now = clock::now(); now < end; now = clock::now()) {
    auto left = std::chrono::ceil<milliseconds>(end - now).count();
    auto n = ::epoll_wait(epoll.get(), events.data(), events.size(), static_cast<int>(left));
    for (int i = 0; i < n; ++i)
      handle(events[static_cast<size_t>(i)].data.u64);
  }
}

} // namespace

// -- endless streams ------------------------------------------------------------

stream_crowd::stream_crowd(uint16_t port, const std::string& target) : port_(port), request_(request_for(target)) {}

void stream_crowd::grow_to(size_t clients) {
  // While thousands connect, the others go on.
  constexpr size_t at_once = 500;
  while (sockets_.size() < clients) {
    auto until = std::min(clients, sockets_.size() + at_once);
    while (sockets_.size() < until) {
      sockets_.push_back(connect_as(sockets_.size(), port_));
      send(sockets_.back().get(), request_);
    }
    for (auto& x : sockets_)
      receive(x.get());
  }
}

void stream_crowd::receive_for(milliseconds span) {
  auto end = clock::now() + span;
  for (auto next = clock::now(); next < end;) {
    for (auto& x : sockets_)
      receive(x.get());
    next = std::min(std::max(next + look_interval, clock::now()), end);
    std::this_thread::sleep_until(next);
  }
}

void stream_crowd::receive(int socket) {
  auto n = drop(socket, SIZE_MAX);
  if (!n)
    throw std::runtime_error("the server ended a stream of the crowd");
  bytes_ += *n;
}

// -- answers --------------------------------------------------------------------

answer_dropper::outcome answer_dropper::read(int socket) {
  for (;;) {
    if (left_ && *left_ == 0) {
      left_.reset();
      head_bytes_ = 0;
      return outcome::done;
    }
    if (left_) {
      auto n = drop(socket, *left_);
      if (!n)
        return outcome::failed;
      if (*n == 0)
        return outcome::more;
      *left_ -= *n;
      bytes_ += *n;
      continue;
    }
    auto n = ::recv(socket, head_.data() + head_bytes_, head_.size() - head_bytes_, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return outcome::more;
    if (n <= 0)
      return outcome::failed;
    head_bytes_ += static_cast<size_t>(n);
    bytes_ += static_cast<size_t>(n);
    if (!parse_head() && head_bytes_ == head_.size())
      return outcome::failed;
  }
}

/// True if the head is complete; what follows it is a part of the body.
bool answer_dropper::parse_head() {
  constexpr std::string_view head_end = "\r\n\r\n";
  constexpr std::string_view length = "Content-Length: ";
  std::string_view text{head_.data(), head_bytes_};
  auto end = text.find(head_end);
  if (end == std::string_view::npos)
    return false;
  auto at = text.find(length);
  uint64_t size = 0;
  status_ = 0;
  if (end < 12 || at > end)
    return false;
  std::from_chars(text.data() + 9, text.data() + 12, status_);
  std::from_chars(text.data() + at + length.size(), text.data() + end, size);
  auto got = head_bytes_ - end - head_end.size();
  if (got > size)
    return false;
  left_ = size - got;
  return true;
}

uint64_t fetch_for(uint16_t port, const std::vector<std::string>& targets, size_t connections, milliseconds span) {
  struct client {
    base::descriptor socket;
    answer_dropper answers{};
    size_t turn = 0;
  };
  std::vector<std::string> requests;
  for (auto& x : targets)
    requests.push_back(request_for(x));
  auto epoll = make_epoll();
  std::vector<client> clients;
  for (size_t i = 0; i < connections; ++i) {
    clients.push_back({.socket = connect_as(i, port), .turn = i});
    watch(epoll, clients.back().socket.get(), i);
    send(clients.back().socket.get(), requests[i % requests.size()]);
  }
  poll_until(clock::now() + span, epoll, [&](uint64_t index) {
    auto& x = clients[index];
    auto what = x.answers.read(x.socket.get());
    if (what == answer_dropper::outcome::failed || (what == answer_dropper::outcome::done && x.answers.status() != 200))
      throw std::runtime_error("GET " + targets[x.turn % targets.size()] + " fails with status "
                               + std::to_string(x.answers.status()));
    if (what == answer_dropper::outcome::done)
      send(x.socket.get(), requests[++x.turn % requests.size()]);
  });
  uint64_t result = 0;
  for (auto& x : clients)
    result += x.answers.bytes();
  return result;
}

// -- low-latency HLS --------------------------------------------------------------

reload_crowd::reload_crowd(uint16_t port, std::string folder, std::string rest, int64_t parts)
  : port_(port), folder_(std::move(folder)), rest_(std::move(rest)), parts_(parts), epoll_(make_epoll()) {}

void reload_crowd::grow_to(size_t viewers, int64_t number) {
  if (viewers_.empty())
    first_number_ = number;
  viewers_.reserve(viewers);
  while (viewers_.size() < viewers) {
    auto index = viewers_.size();
    std::array<char, 17> key{};
    std::snprintf(key.data(), key.size(), "%016zx", index + 1);
    auto& x = viewers_.emplace_back(viewer{.socket = connect_as(index, port_), .key = key.data(), .number = number});
    watch(epoll_, x.socket.get(), index);
    ask(x);
  }
}

void reload_crowd::ask(viewer& x) const {
  auto of = folder_ + x.key + rest_;
  auto number = std::to_string(x.number);
  auto part = std::to_string(x.part);
  if (x.wants_part)
    of += "-" + number + "." + part + ".m4s";
  else
    of += ".m3u8?_HLS_msn=" + number + "&_HLS_part=" + part;
  send(x.socket.get(), request_for(of));
}

void reload_crowd::handle(viewer& x) {
  auto what = x.answers.read(x.socket.get());
  if (what == answer_dropper::outcome::more)
    return;
  if (what == answer_dropper::outcome::failed || x.answers.status() != 200)
    throw std::runtime_error("a viewer of segment " + std::to_string(x.number) + " part " + std::to_string(x.part)
                             + " gets the status " + std::to_string(x.answers.status()));
  auto now = clock::now();
  auto index = static_cast<size_t>((x.number - first_number_) * parts_ + x.part);
  if (first_.size() <= index)
    first_.resize(index + 1);
  if (first_[index] == clock::time_point{})
    first_[index] = now;
  if (std::exchange(x.wants_part, !x.wants_part)) {
    ++parts_received_;
    delays_.push_back(std::chrono::duration<double, std::milli>(now - first_[index]).count());
    x.number += x.part + 1 == parts_ ? 1 : 0;
    x.part = (x.part + 1) % parts_;
  }
  ask(x);
}

void reload_crowd::play_for(milliseconds span) {
  poll_until(clock::now() + span, epoll_, [this](uint64_t index) { handle(viewers_[index]); });
}

std::vector<double> reload_crowd::take_delays() {
  return std::exchange(delays_, {});
}

} // namespace troupe::bench
