#include "test/support/http_client.hpp"

#include "base/json.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::test {

namespace {

/// False when the time is over.
bool wait_until_ready(int socket, short events, clock::time_point deadline) {
  pollfd entry{socket, events, 0};
  for (;;) {
    auto left = std::chrono::duration_cast<milliseconds>(deadline - clock::now()).count();
    auto ready = ::poll(&entry, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    if (ready >= 0 || errno != EINTR)
      return ready > 0;
  }
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string field_of(const std::string& head, std::string_view name) {
  auto text = lower(head);
  auto at = text.find("\r\n" + std::string{name} + ":");
  if (at == std::string::npos)
    return {};
  at += name.size() + 3;
  auto value = head.substr(at, head.find("\r\n", at) - at);
  value.erase(0, value.find_first_not_of(' '));
  return value;
}

} // namespace

boost::json::value http_answer::json() const {
  return base::reading::parsed(body);
}

std::string http_answer::field(std::string_view name) const {
  return field_of(head, name);
}

http_stream::http_stream(uint16_t port, int receive_buffer)
  : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer > 0)
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket_ < 0 || ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    auto why = std::string{"cannot connect: "} + std::strerror(errno);
    if (socket_ >= 0)
      ::close(socket_);
    throw std::runtime_error(why);
  }
  ::fcntl(socket_, F_SETFL, O_NONBLOCK);
}

http_stream::http_stream(http_stream&& other) noexcept
  : socket_(std::exchange(other.socket_, -1)),
    raw_(std::move(other.raw_)),
    head_(std::move(other.head_)),
    body_(std::move(other.body_)),
    status_(other.status_),
    chunked_(other.chunked_),
    closed_(other.closed_),
    complete_(other.complete_),
    length_(other.length_) {}

http_stream::~http_stream() {
  close();
}

void http_stream::close() {
  if (socket_ >= 0)
    ::close(std::exchange(socket_, -1));
  closed_ = true;
}

bool http_stream::send(std::string_view text, milliseconds limit) {
  auto deadline = clock::now() + limit;
  while (!text.empty()) {
    auto n = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n > 0)
      text.remove_prefix(static_cast<size_t>(n));
    else if (errno != EAGAIN || !wait_until_ready(socket_, POLLOUT, deadline))
      return false;
  }
  return true;
}

bool http_stream::get(const std::string& target) {
  return send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n", milliseconds{5'000});
}

bool http_stream::read(milliseconds limit) {
  if (closed_ || complete_ || !wait_until_ready(socket_, POLLIN, clock::now() + limit))
    return false;
  std::array<char, 65536> buffer;
  auto n = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (n <= 0)
    closed_ = true;
  else
    raw_.append(buffer.data(), static_cast<size_t>(n));
  parse();
  return n > 0;
}

int http_stream::read_head(milliseconds limit) {
  auto deadline = clock::now() + limit;
  while (status_ == 0 && read(std::chrono::duration_cast<milliseconds>(deadline - clock::now()))) {
    // read does it
  }
  return status_;
}

bool http_stream::read_body(size_t size, milliseconds limit) {
  auto deadline = clock::now() + limit;
  while (body_.size() < size && read(std::chrono::duration_cast<milliseconds>(deadline - clock::now()))) {
    // read does it
  }
  return body_.size() >= size;
}

bool http_stream::read_all(milliseconds limit) {
  auto deadline = clock::now() + limit;
  while (read(std::chrono::duration_cast<milliseconds>(deadline - clock::now()))) {
    // read does it
  }
  return complete_;
}

std::string http_stream::take_body() {
  return std::exchange(body_, {});
}

void http_stream::parse() {
  if (status_ == 0)
    parse_head();
  if (status_ == 0)
    return;
  if (!chunked_) {
    body_ += std::exchange(raw_, {});
    complete_ = length_ == std::string::npos ? closed_ : body_.size() >= length_;
    return;
  }
  for (;;) {
    auto line = raw_.find("\r\n");
    if (line == std::string::npos)
      return;
    auto size = std::strtoull(raw_.c_str(), nullptr, 16);
    if (raw_.size() < line + 2 + size + 2)
      return;
    body_.append(raw_, line + 2, size);
    raw_.erase(0, line + 2 + size + 2);
    if (size == 0) {
      complete_ = true;
      return;
    }
  }
}

void http_stream::parse_head() {
  auto end = raw_.find("\r\n\r\n");
  if (end == std::string::npos)
    return;
  head_ = raw_.substr(0, end + 2);
  raw_.erase(0, end + 4);
  status_ = head_.size() > 12 ? std::atoi(head_.c_str() + 9) : 0;
  chunked_ = lower(field_of(head_, "transfer-encoding")) == "chunked";
  if (auto length = field_of(head_, "content-length"); !length.empty())
    length_ = std::strtoull(length.c_str(), nullptr, 10);
  if (status_ == 204)
    length_ = 0;
}

http_answer http_request(uint16_t port, std::string_view method, const std::string& target, milliseconds limit,
                         const std::string& body) {
  http_answer result;
  auto text = std::string{method} + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  if (!body.empty())
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  text += "\r\n" + body;
  try {
    http_stream connection{port};
    if (!connection.send(text, limit))
      result.error = "the server did not take the request";
    else if (!connection.read_all(limit))
      result.error = connection.closed() ? "the server closed the connection early" : "no whole answer in time";
    result.status = result.error.empty() ? connection.status() : 0;
    result.head = connection.head();
    result.body = connection.body();
  } catch (const std::exception& x) {
    result.error = x.what();
  }
  result.at = clock::now();
  return result;
}

} // namespace troupe::test
