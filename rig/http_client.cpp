#include "rig/http_client.hpp"

#include "base/json.hpp"
#include "rig/live_socket.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace troupe::bench {

namespace {

namespace http = boost::beast::http;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr uint32_t head_bytes_max = 64 * 1024;

milliseconds until(clock::time_point end) {
  return std::chrono::duration_cast<milliseconds>(end - clock::now());
}

} // namespace

/// What the server has said so far.
struct http_stream::answer {
  http::response_parser<http::string_body> parser;
};

boost::json::value http_answer::json() const {
  return base::reading::parsed(body);
}

std::string http_answer::field(std::string_view name) const {
  http::response_parser<http::empty_body> parser;
  parser.skip(true);
  boost::system::error_code ignored;
  parser.put(boost::asio::buffer(head), ignored);
  return std::string{parser.get()[boost::beast::string_view{name.data(), name.size()}]};
}

http_stream::http_stream(uint16_t port, int receive_buffer)
  : socket_(connect_to_loopback(port, receive_buffer)), answer_(std::make_unique<answer>()) {
  ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  answer_->parser.header_limit(head_bytes_max);
  answer_->parser.body_limit(boost::none);
  answer_->parser.eager(true);
}

http_stream::http_stream(http_stream&& other) noexcept = default;

http_stream::~http_stream() = default;

void http_stream::close() {
  socket_ = {};
}

bool http_stream::send(std::string_view text, milliseconds limit) {
  auto deadline = clock::now() + limit;
  while (!text.empty()) {
    auto n = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (n > 0)
      text.remove_prefix(static_cast<size_t>(n));
    else if (errno != EAGAIN || !wait_ready(socket_.get(), POLLOUT, until(deadline)))
      return false;
  }
  return true;
}

bool http_stream::get(const std::string& target) {
  return send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n", milliseconds{5'000});
}

bool http_stream::read(milliseconds limit) {
  if (closed() || complete() || !wait_ready(socket_.get(), POLLIN, limit))
    return false;
  std::array<char, 65536> buffer;
  auto n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (n <= 0)
    close();
  else
    raw_.append(buffer.data(), static_cast<size_t>(n));
  parse();
  return n > 0;
}

int http_stream::read_head(milliseconds limit) {
  auto deadline = clock::now() + limit;
  while (status() == 0 && read(until(deadline))) {
    // `read` adds to the answer
  }
  return status();
}

bool http_stream::read_body(size_t size, milliseconds limit) {
  auto deadline = clock::now() + limit;
  while (body().size() < size && read(until(deadline))) {
    // `read` adds to the answer
  }
  return body().size() >= size;
}

bool http_stream::read_all(milliseconds limit) {
  auto deadline = clock::now() + limit;
  while (read(until(deadline))) {
    // `read` adds to the answer
  }
  return complete();
}

int http_stream::status() const {
  return answer_->parser.is_header_done() ? answer_->parser.get().result_int() : 0;
}

const std::string& http_stream::body() const {
  return answer_->parser.get().body();
}

std::string http_stream::take_body() {
  return std::exchange(answer_->parser.get().body(), {});
}

bool http_stream::complete() const {
  return answer_->parser.is_done();
}

/// A server that breaks the protocol counts as one that has closed the connection.
void http_stream::parse() {
  auto& parser = answer_->parser;
  // The head is not parsed until it is complete.
  if (auto end = raw_.find("\r\n\r\n"); status() == 0 && end != std::string::npos)
    head_ = raw_.substr(0, end + 4);
  boost::system::error_code failed;
  while (!failed && !raw_.empty() && !parser.is_done())
    raw_.erase(0, parser.put(boost::asio::buffer(raw_), failed));
  if (failed && failed != http::error::need_more)
    close();
  else if (closed() && parser.is_header_done() && !parser.is_done())
    parser.put_eof(failed);
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
    result.body = connection.take_body();
  } catch (const std::exception& x) {
    result.error = x.what();
  }
  result.at = clock::now();
  return result;
}

} // namespace troupe::bench
