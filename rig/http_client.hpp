// A small HTTP/1.1 client for real servers on loopback: requests with a deadline, and endless bodies that are read
// piece by piece.
#pragma once

#include "base/descriptor.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::bench {

/// An answer. `status` is 0 if none came in time; then `error` says what happened.
struct http_answer {
  int status = 0;
  std::string head; ///< status line and fields
  std::string body;
  std::string error;
  std::chrono::steady_clock::time_point at; ///< when it was complete

  /// Null if the body is not JSON.
  boost::json::value json() const;

  /// The value of a field; empty if it is missing.
  std::string field(std::string_view name) const;
};

/// One connection that receives one answer. Nothing blocks longer than the limit of the call.
class http_stream {
public:
  /// `receive_buffer` (bytes) limits what the client's kernel buffers; 0 for the default. Throws `std::runtime_error`.
  explicit http_stream(uint16_t port, int receive_buffer = 0);

  http_stream(http_stream&& other) noexcept;
  ~http_stream();

  void close();

  /// Sends the text unchanged; false if the server does not take all of it in time.
  bool send(std::string_view text, std::chrono::milliseconds limit);

  /// Sends a GET.
  bool get(const std::string& target);

  /// Reads the available data, and waits for it at most `limit`. False if nothing came, or nothing can come any more.
  bool read(std::chrono::milliseconds limit);

  /// Reads the head; returns its status, or 0.
  int read_head(std::chrono::milliseconds limit);

  /// Reads until the body has `size` bytes.
  bool read_body(size_t size, std::chrono::milliseconds limit);

  /// Reads until the answer is complete.
  bool read_all(std::chrono::milliseconds limit);

  /// 0 until the head is there.
  int status() const;

  /// Status line and fields; empty until they are there.
  const std::string& head() const noexcept {
    return head_;
  }

  /// The body so far, without the framing.
  const std::string& body() const;

  /// Returns the body so far, and clears it.
  std::string take_body();

  /// True if the server has closed the connection.
  bool closed() const noexcept {
    return !socket_;
  }

  /// True if the answer ended as it should.
  bool complete() const;

  /// For `poll`.
  int descriptor() const noexcept {
    return socket_.get();
  }

private:
  struct answer;

  void parse();

  base::descriptor socket_;
  std::string raw_; ///< received, not parsed yet
  std::string head_;
  std::unique_ptr<answer> answer_;
};

/// One request on its own connection; with a JSON body if there is one.
http_answer http_request(uint16_t port, std::string_view method, const std::string& target,
                         std::chrono::milliseconds limit = std::chrono::seconds{10}, const std::string& body = {});

} // namespace troupe::bench
