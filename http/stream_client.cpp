#include "http/stream_client.hpp"

#include "http/problem.hpp"

#include <array>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/write.hpp>

namespace troupe::http {

stream_client::stream_client(loop& in, client_socket socket, service_ptr shared, request of, unsigned version,
                             share place, uint64_t ignored_bytes_max)
  : loop_(in),
    socket_(std::move(socket)),
    shared_(std::move(shared)),
    request_(std::move(of)),
    version_(version),
    place_(std::move(place)),
    ignored_bytes_max_(ignored_bytes_max) {}

void stream_client::begin(std::chrono::milliseconds span) {
  loop_.add(shared_from_this());
  error_code failure;
  socket_.non_blocking(true, failure);
  socket_.set_option(boost::asio::ip::tcp::no_delay{true}, failure);
  expire_after(span);
  watch_client();
}

void stream_client::refuse(reply x) {
  phase_ = phase::refusing;
  expire_after(shared_->config.write_timeout);
  refusal_ = make_response(std::move(x), request_, version_, false);
  shared_->counters->count_response(refusal_->result_int());
  boost::beast::http::async_write(socket_, *refusal_, [me = self(this)](const error_code& failure, size_t n) {
    if (me->phase_ != phase::refusing)
      return;
    me->sent_bytes_ += n;
    me->shared_->counters->sent_bytes += n;
    me->last_ = true;
    me->hang_up(failure ? failure.message() : std::string{});
  });
}

std::string stream_client::head_of(reply x) const {
  response head = make_response(std::move(x), request_, version_, false);
  head.erase(boost::beast::http::field::content_length);
  head.chunked(version_ >= 11);
  return http::head_of(head);
}

void stream_client::on_written(const error_code& failure, size_t bytes) {
  sent_bytes_ += bytes;
  shared_->counters->sent_bytes += bytes;
  if (phase_ != phase::writing)
    return;
  if (failure)
    return hang_up(failure.message());
  written(bytes);
  if (last_)
    return hang_up(std::move(note_));
  pump();
}

void stream_client::watch_client() {
  socket_.async_wait(client_socket::wait_read,
                     [me = self(this)](const error_code& failure) { me->on_readable(failure); });
}

void stream_client::on_readable(const error_code& failure) {
  if (phase_ == phase::closed)
    return;
  if (failure)
    return hang_up(failure.message());
  std::array<char, 4096> scratch;
  error_code failed;
  ignored_bytes_ += socket_.read_some(boost::asio::buffer(scratch), failed);
  if (failed && failed != boost::asio::error::would_block && failed != boost::asio::error::try_again)
    return hang_up("the client has left");
  if (ignored_bytes_ > ignored_bytes_max_)
    return hang_up("the client sent unexpected data");
  watch_client();
}

void stream_client::deadline_passed() {
  if (phase_ == phase::opening)
    return refuse(problem(ec::timeout, {}, request_.id));
  hang_up("the client reads nothing");
}

void stream_client::shut_down() {
  stopping_ = true;
  if (phase_ == phase::opening)
    refuse(problem(ec::stopping, {}, request_.id));
  else if (phase_ == phase::waiting)
    pump();
}

void stream_client::hang_up(std::string note) {
  auto me = shared_from_this();
  phase_ = phase::closed;
  auto line = record(refusal_ ? refusal_->result_int() : 200, std::move(note));
  line.sent_bytes = sent_bytes_;
  describe(line);
  write_log(*shared_, std::move(line));
  leave();
  error_code failure;
  if (last_) {
    socket_.cancel(failure);
    linger(loop_, std::move(socket_));
  } else {
    socket_.close(failure);
  }
  loop_.remove(me);
}

access_record stream_client::record(unsigned status, std::string note) const {
  access_record result{request_.id, request_.remote, "GET", request_.target, {}, {}, status, 0, {}, std::move(note)};
  result.duration = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - began_);
  return result;
}

} // namespace troupe::http
