// How a connection writes media: whole files in one write, and a segment that is still being made in chunks (RFC 9112,
// 7.1), one for each of its parts. Bytes are shared and not copied. One write is in flight.
#include "http/chunked.hpp"
#include "http/connection.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <span>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

namespace troupe::http {

namespace {

std::string frame_of(size_t size) {
  std::array<char, 24> text{};
  auto n = std::snprintf(text.data(), text.size(), "%zx\r\n", size);
  return {text.data(), static_cast<size_t>(n)};
}

} // namespace

void connection::write_media() {
  limit_unsent(socket_.native_handle());
  head_ = head_of(*response_);
  sent_bytes_ = 0;
  if (rest_)
    return write_chunks(false);
  buffers_.clear();
  buffers_.push_back(buffer_of(head_));
  auto skip = part_ ? part_->first : 0;
  auto left = part_ ? part_->size : std::numeric_limits<uint64_t>::max();
  for (auto& x : media_) {
    auto bytes = x.span().subspan(std::min<uint64_t>(skip, x.size()));
    skip -= x.size() - bytes.size();
    bytes = bytes.first(std::min<uint64_t>(left, bytes.size()));
    left -= bytes.size();
    buffers_.emplace_back(bytes.data(), bytes.size());
  }
  boost::asio::async_write(socket_, std::span<const boost::asio::const_buffer>{buffers_},
                           alive_while_written(shared_->config.write_timeout),
                           [me = self(this)](const error_code& failure, size_t n) { me->on_written(failure, n); });
}

void connection::write_chunks(bool last) {
  phase_ = phase::writing;
  expire_after(shared_->config.write_timeout);
  buffers_.clear();
  frames_.clear();
  frames_.reserve(media_.size());
  buffers_.push_back(buffer_of(head_));
  for (auto& x : media_) {
    buffers_.push_back(buffer_of(frames_.emplace_back(frame_of(x.size()))));
    buffers_.emplace_back(x.span().data(), x.size());
    buffers_.push_back(buffer_of(chunk_end));
  }
  if (last)
    buffers_.push_back(buffer_of(last_chunk));
  boost::asio::async_write(socket_, std::span<const boost::asio::const_buffer>{buffers_},
                           alive_while_written(shared_->config.write_timeout),
                           [me = self(this), last](const error_code& failure, size_t n) {
                             me->sent_bytes_ += n;
                             if (failure || last)
                               return me->on_written(failure, me->sent_bytes_);
                             me->head_.clear();
                             me->media_.clear();
                             if (me->phase_ == phase::writing)
                               me->pump();
                           });
}

void connection::pump() {
  using outcome = media_source::outcome;
  switch (rest_->read(media_)) {
  case outcome::more:
    return write_chunks(false);
  case outcome::last:
    return write_chunks(true);
  case outcome::wait:
    return await_rest();
  case outcome::lost:
    return abandon(boost::asio::error::timed_out);
  }
}

void connection::await_rest() {
  phase_ = phase::awaiting;
  expire_after(2 * shared_->config.watch_timeout);
  auto wake = [mail = loop_.mail(), weak = std::weak_ptr<peer>{shared_from_this()}, turn = turn_] {
    mail->post([weak, turn] {
      auto me = std::static_pointer_cast<connection>(weak.lock());
      if (me && me->phase_ == phase::awaiting && me->turn_ == turn)
        me->pump();
    });
  };
  if (!rest_->notify(std::move(wake)))
    return abandon(boost::asio::error::timed_out);
  watch_client();
}

void connection::abandon(const error_code& why) {
  phase_ = phase::writing;
  on_written(why, sent_bytes_);
}

void connection::client_left() {
  if (phase_ == phase::awaiting)
    abandon(boost::asio::error::eof);
  else
    close();
}

} // namespace troupe::http
