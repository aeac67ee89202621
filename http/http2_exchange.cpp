#include "http/http2_exchange.hpp"

#include "http/chunked.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>

namespace troupe::http {

namespace {

/// As large as a record of TLS, and as a frame of HTTP/2 may be.
constexpr size_t piece_bytes = 16 * 1024;

/// Of heads that this server writes itself.
constexpr uint32_t response_head_bytes_max = 64 * 1024;

std::string size_line(size_t size) {
  constexpr auto digits = "0123456789abcdef";
  std::string result;
  for (; size > 0; size /= 16)
    result.insert(result.begin(), digits[size % 16]);
  return result.append(chunk_end);
}

} // namespace

http2_exchange::http2_exchange(int32_t id, listener& to, size_t head_bytes_max)
  : id(id), head(head_bytes_max), listener_(&to), buffer_(response_head_bytes_max + piece_bytes) {}

void http2_exchange::begin(local_pair::socket over, bool used, bool has_body) {
  socket_.emplace(std::move(over));
  buffer_.reserve(piece_bytes); // Beast reads as much at once as there is room
  used_ = used;
  chunked_ = has_body && !head.has_length();
  sent_ = !has_body;
  sending_ = head.text(has_body);
  transmit();
  read_head();
}

bool http2_exchange::may_be_repeated() const noexcept {
  return used_ && sent_ && !answered_ && head.only_reads();
}

// -- the request ----------------------------------------------------------------

void http2_exchange::send(std::string_view piece) {
  if (!has_begun() || deaf_)
    return listener_->consumed(*this, piece.size());
  unsent_ += piece;
  write();
}

void http2_exchange::finish() {
  if (std::exchange(sent_, true) || !has_begun())
    return;
  last_chunk_is_due_ = chunked_ && !deaf_;
  write();
}

void http2_exchange::write() {
  if (!sending_.empty())
    return;
  sending_payload_ = unsent_.size();
  if (!chunked_)
    sending_.swap(unsent_);
  else if (!unsent_.empty())
    sending_.append(size_line(unsent_.size())).append(unsent_).append(chunk_end);
  unsent_.clear();
  if (std::exchange(last_chunk_is_due_, false))
    sending_ += last_chunk;
  if (!sending_.empty())
    transmit();
}

void http2_exchange::transmit() {
  boost::asio::async_write(*socket_, boost::asio::buffer(sending_),
                           [me = shared_from_this()](const error_code& failure, size_t) { me->on_written(failure); });
}

void http2_exchange::on_written(const error_code& failure) {
  if (closed_)
    return;
  sending_.clear();
  auto taken = std::exchange(sending_payload_, 0);
  if (failure) {
    // The response may be there all the same: a server that refuses a request does not read its body.
    deaf_ = true;
    last_chunk_is_due_ = false;
    taken += unsent_.size();
    unsent_.clear();
  }
  if (taken > 0)
    listener_->consumed(*this, taken);
  if (!closed_)
    write();
}

// -- the response ---------------------------------------------------------------

void http2_exchange::read_head() {
  parser_.emplace();
  parser_->header_limit(response_head_bytes_max);
  parser_->body_limit(boost::none);
  parser_->skip(head.is_head());
  boost::beast::http::async_read_header(
    *socket_, buffer_, *parser_,
    [me = shared_from_this()](const error_code& failure, size_t) { me->on_head(failure); });
}

void http2_exchange::on_head(const error_code& failure) {
  constexpr unsigned first_final = 200;
  if (closed_)
    return;
  if (failure)
    return listener_->broke(*this);
  auto& said = parser_->get();
  auto status = said.result_int();
  auto fields = response_fields(status, said);
  answered_ = true;
  if (status < first_final) {
    listener_->answers(*this, std::move(fields), false);
    if (!closed_)
      read_head();
    return;
  }
  complete_ = parser_->is_done();
  listener_->answers(*this, std::move(fields), complete_);
  if (!closed_)
    read_body();
}

void http2_exchange::read_body() {
  if (reading_ || complete_)
    return;
  reading_ = true;
  body_.resize(piece_bytes);
  auto& to = parser_->get().body();
  to.data = body_.data();
  to.size = body_.size();
  to.more = true;
  boost::beast::http::async_read_some(
    *socket_, buffer_, *parser_,
    [me = shared_from_this()](const error_code& failure, size_t) { me->on_body(failure); });
}

void http2_exchange::on_body(const error_code& failure) {
  reading_ = false;
  if (closed_)
    return;
  if (failure && failure != boost::beast::http::error::need_buffer)
    return listener_->broke(*this);
  first_ = 0;
  last_ = body_.size() - parser_->get().body().size;
  complete_ = parser_->is_done();
  if (last_ == 0 && !complete_)
    return read_body();
  filled_ = clock::now();
  listener_->has_more(*this);
}

size_t http2_exchange::take(uint8_t* to, size_t most) {
  auto n = std::min(most, last_ - first_);
  if (n == 0)
    return 0;
  std::memcpy(to, body_.data() + first_, n);
  first_ += n;
  filled_ = clock::now();
  if (first_ == last_)
    read_body();
  return n;
}

std::optional<local_pair::socket> http2_exchange::close() {
  closed_ = true;
  place.reset();
  if (!socket_)
    return {};
  if (is_at_end() && sent_ && !deaf_ && sending_.empty() && unsent_.empty() && buffer_.size() == 0
      && parser_->keep_alive())
    return std::move(socket_);
  error_code ignored;
  socket_->close(ignored);
  return {};
}

} // namespace troupe::http
