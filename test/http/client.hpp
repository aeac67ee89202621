// A client on a raw socket: sends any bytes, reads with a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::http {

class client {
public:
  /// `receive_buffer` (bytes) limits what the client's kernel buffers; 0 for the default. `from` is its own address.
  explicit client(uint16_t port, int receive_buffer = 0, uint32_t from = INADDR_LOOPBACK)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0)
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(from);
    if (from != INADDR_LOOPBACK && ::bind(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("cannot take an address of loopback");
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("cannot connect");
  }

  client(client&& other) noexcept : socket_(std::exchange(other.socket_, -1)), text_(std::move(other.text_)) {}

  client(const client&) = delete;
  client& operator=(const client&) = delete;

  ~client() {
    close();
  }

  void close() {
    if (socket_ >= 0)
      ::close(std::exchange(socket_, -1));
  }

  /// False if the server stopped reading.
  bool send(std::string_view text) {
    while (!text.empty()) {
      auto n = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      text.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  void get(const std::string& path, const std::string& more = {}) {
    send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n");
  }

  /// True if the server sends something, or closes the connection, within `span`.
  bool waits(std::chrono::milliseconds span) {
    pollfd what{socket_, POLLIN, 0};
    return ::poll(&what, 1, static_cast<int>(span.count())) > 0;
  }

  /// Reads until `done(text)`, the end or ten seconds from now. Returns everything that was read and not consumed yet.
  template <class Done>
  const std::string& read_until(Done done) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!done(text_) && !ended_) {
      auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
      pollfd what{socket_, POLLIN, 0};
      if (left <= 0 || ::poll(&what, 1, static_cast<int>(left)) <= 0)
        throw std::runtime_error("the server says nothing more after '" + text_.substr(0, 200) + "'");
      char buffer[65536];
      auto n = ::recv(socket_, buffer, sizeof buffer, 0);
      if (n <= 0)
        ended_ = true;
      else
        text_.append(buffer, static_cast<size_t>(n));
    }
    return text_;
  }

  /// Reads at most this many bytes from the socket; 0 if the server has closed.
  size_t take(size_t most) {
    std::string bytes(most, '\0');
    auto n = ::recv(socket_, bytes.data(), most, 0);
    return n > 0 ? static_cast<size_t>(n) : 0;
  }

  /// Everything until the server closes.
  std::string read_all() {
    read_until([](auto&) { return false; });
    return std::exchange(text_, {});
  }

  struct response {
    int status = 0;
    std::string head; ///< with the status line
    std::string body;

    bool has(std::string_view text) const {
      return head.find(text) != std::string::npos;
    }
  };

  /// One response with a Content-Length; its body is not read if `head_only` is set.
  response read_response(bool head_only = false) {
    response result;
    read_until([](auto& t) { return t.find("\r\n\r\n") != std::string::npos; });
    auto end = text_.find("\r\n\r\n");
    if (end == std::string::npos)
      return result;
    result.head = text_.substr(0, end + 4);
    text_.erase(0, end + 4);
    result.status = result.head.size() > 12 ? std::atoi(result.head.c_str() + 9) : 0;
    auto length = result.head.find("Content-Length: ");
    if (head_only || length == std::string::npos)
      return result;
    auto size = static_cast<size_t>(std::atoll(result.head.c_str() + length + 16));
    read_until([size](auto& t) { return t.size() >= size; });
    result.body = text_.substr(0, size);
    text_.erase(0, size);
    return result;
  }

  /// Waits for the head of a response without a length.
  response read_head() {
    return read_response(true);
  }

  /// Bytes of a chunked body read so far, decoded; `ended` tells whether the last chunk was among them.
  static std::string dechunk(std::string_view text, bool* ended = nullptr) {
    std::string result;
    for (;;) {
      auto line = text.find("\r\n");
      if (line == std::string_view::npos)
        return result;
      auto size = std::strtoull(std::string{text.substr(0, line)}.c_str(), nullptr, 16);
      if (size == 0) {
        if (ended != nullptr)
          *ended = true;
        return result;
      }
      text.remove_prefix(line + 2);
      result += text.substr(0, size);
      if (text.size() < size + 2)
        return result;
      text.remove_prefix(size + 2);
    }
  }

private:
  int socket_;
  std::string text_;
  bool ended_ = false;
};

} // namespace troupe::http
