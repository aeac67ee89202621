// A small HTTP/1.1 client for tests against real servers: requests with a deadline, and endless bodies that are read
// bit by bit.
#pragma once

#include "test/support/process.hpp"

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::test {

/// An answer. `status` is 0 if none came in time; then `error` says what happened.
struct http_answer {
  int status = 0;
  std::string head; ///< status line and fields
  std::string body;
  std::string error;
  clock::time_point at; ///< when it was complete

  /// Null if the body is not JSON.
  boost::json::value json() const;

  /// The value of a field, by its name in lower case; empty if it is missing.
  std::string field(std::string_view name) const;
};

/// One connection that receives one answer. Nothing blocks longer than the limit of the call.
class http_stream {
public:
  /// `receive_buffer` (bytes) limits what the client's kernel buffers; 0 for the default.
  explicit http_stream(uint16_t port, int receive_buffer = 0);

  http_stream(http_stream&& other) noexcept;
  http_stream& operator=(http_stream&&) = delete;
  ~http_stream();

  /// Disconnects.
  void close();

  /// Sends the text unchanged; false if the server does not take all of it in time.
  bool send(std::string_view text, milliseconds limit);

  /// Sends a GET.
  bool get(const std::string& target);

  /// Reads the available data, and waits for it at most `limit`. False if nothing came, or nothing can come any more.
  bool read(milliseconds limit);

  /// Reads the head; returns its status, or 0.
  int read_head(milliseconds limit);

  /// Reads until the body has `size` bytes.
  bool read_body(size_t size, milliseconds limit);

  /// Reads until the answer is complete.
  bool read_all(milliseconds limit);

  int status() const noexcept {
    return status_;
  }

  const std::string& head() const noexcept {
    return head_;
  }

  /// The body so far, without the framing.
  const std::string& body() const noexcept {
    return body_;
  }

  /// Whether the server has closed the connection.
  bool closed() const noexcept {
    return closed_;
  }

  /// Whether the answer ended as it should.
  bool complete() const noexcept {
    return complete_;
  }

  /// For `poll`.
  int descriptor() const noexcept {
    return socket_;
  }

  /// Returns the body so far, and clears it.
  std::string take_body();

private:
  void parse();
  void parse_head();

  int socket_ = -1;
  std::string raw_;
  std::string head_;
  std::string body_;
  int status_ = 0;
  bool chunked_ = false;
  bool closed_ = false;
  bool complete_ = false;
  size_t length_ = std::string::npos; // of the body, where the head tells it
};

/// One request on a connection of its own; with a body of JSON where there is one.
http_answer http_request(uint16_t port, std::string_view method, const std::string& target,
                         milliseconds limit = milliseconds{10'000}, const std::string& body = {});

} // namespace troupe::test
