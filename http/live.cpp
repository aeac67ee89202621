#include "http/live.hpp"

#include "http/ask.hpp"
#include "http/problem.hpp"

#include <cstdio>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include <boost/asio/write.hpp>
#include <boost/beast/http/write.hpp>
#include <netinet/tcp.h>

namespace troupe::http {

namespace {

using boost::beast::http::field;

/// Bytes of one write; a single chunk may be larger.
constexpr size_t write_bytes_max = 256 * 1024;

/// Unsent bytes that the kernel may hold for a client. Without it a slow client's send buffer grows to megabytes of old pictures.
constexpr int unsent_bytes_max = 256 * 1024;

/// What a client may send while it watches; a client has no business sending anything.
constexpr uint64_t ignored_bytes_max = 64 * 1024;

constexpr std::string_view chunk_end = "\r\n";
constexpr std::string_view last_chunk = "0\r\n\r\n";
constexpr std::string_view suffix = ".ts";

boost::asio::const_buffer buffer_of(std::string_view text) {
  return {text.data(), text.size()};
}

/// The buffers of one write without a copy of their list.
using buffer_span = std::span<const boost::asio::const_buffer>;

} // namespace

std::optional<live_target> live_target::of(const std::vector<std::string>& path) {
  if (path.size() != 3 || path[0] != "live" || path[1].empty() || !path[2].ends_with(suffix)
      || path[2].size() == suffix.size())
    return std::nullopt;
  return live_target{path[1], path[2].substr(0, path[2].size() - suffix.size())};
}

live_client::live_client(loop& in, tcp::socket socket, service_ptr shared, request of, live_target target,
                         unsigned version)
  : loop_(in),
    socket_(std::move(socket)),
    shared_(std::move(shared)),
    request_(std::move(of)),
    target_(std::move(target)),
    version_(version),
    remote_(remote_of(socket_)) {}

void live_client::start() {
  loop_.add(shared_from_this());
  error_code failure;
  socket_.non_blocking(true, failure);
  socket_.set_option(tcp::no_delay{true}, failure);
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes_max, sizeof unsent_bytes_max);
  expire_after(shared_->config.watch_timeout + std::chrono::seconds{1});
  watch_client();
  auto take = [mail = loop_.mail(),
               weak = std::weak_ptr<peer>{shared_from_this()}](caf::expected<variant_stream_ptr> x) {
    mail->post([weak, shared = std::make_shared<caf::expected<variant_stream_ptr>>(std::move(x))] {
      if (auto me = std::static_pointer_cast<live_client>(weak.lock()))
        me->opened(std::move(*shared));
    });
  };
  ask<variant_stream_ptr>(shared_->system, shared_->gateway, shared_->config.watch_timeout, std::move(take),
                          watch_atom_v, target_.channel, target_.profile);
}

void live_client::opened(caf::expected<variant_stream_ptr> stream) {
  if (phase_ != phase::opening)
    return;
  if (!stream)
    return refuse(problem(stream.error(), request_.id));
  if (*stream == nullptr)
    return refuse(problem(ec::stopping, {}, request_.id));
  reader_.emplace(std::move(*stream));
  response head =
    make_response({status::ok, "video/mp2t", {}, {{"X-Accel-Buffering", "no"}}}, request_, version_, false);
  head.erase(field::content_length);
  head.chunked(version_ >= 11);
  std::ostringstream text;
  text << head.base();
  header_ = std::move(text).str();
  access_record record{request_.id, remote_, "GET", request_.target, target_.channel, target_.profile,
                       200,         0,       {},    "watching"};
  record.duration = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - began_);
  write_log(*shared_, std::move(record));
  pump();
}

void live_client::refuse(reply x) {
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

void live_client::pump() {
  chunks_.clear();
  if (stopping_)
    return finish("the server stops");
  switch (reader_->read(chunks_, write_bytes_max)) {
  case variant_stream::reader::outcome::data:
    return write();
  case variant_stream::reader::outcome::end:
    return finish(reader_->end_reason());
  case variant_stream::reader::outcome::wait:
    if (!header_.empty())
      return write(); // a client that knows that it is welcome waits in patience
    return await_data();
  }
}

void live_client::await_data() {
  phase_ = phase::waiting;
  expire_after(std::chrono::hours{24 * 365});
  reader_->notify([mail = loop_.mail(), weak = std::weak_ptr<peer>{shared_from_this()}] {
    mail->post([weak] {
      auto me = std::static_pointer_cast<live_client>(weak.lock());
      if (me && me->phase_ == phase::waiting)
        me->pump();
    });
  });
}

void live_client::write() {
  phase_ = phase::writing;
  expire_after(shared_->config.write_timeout);
  buffers_.clear();
  if (!header_.empty())
    buffers_.push_back(buffer_of(header_));
  size_t size = 0;
  for (auto& c : chunks_)
    size += c.size();
  auto framed = version_ >= 11 && size > 0;
  if (framed) {
    auto n = std::snprintf(frame_.data(), frame_.size(), "%zx\r\n", size);
    buffers_.emplace_back(frame_.data(), static_cast<size_t>(n));
  }
  for (auto& c : chunks_)
    buffers_.emplace_back(c.span().data(), c.size());
  if (framed)
    buffers_.push_back(buffer_of(chunk_end));
  if (last_ && version_ >= 11)
    buffers_.push_back(buffer_of(last_chunk));
  // The condition runs after each part that the kernel took: whoever takes something is alive.
  auto progress = [this, before = size_t{0}](const error_code& failure, size_t done) mutable -> size_t {
    if (failure)
      return 0;
    if (done > before)
      expire_after(shared_->config.write_timeout);
    before = done;
    return write_bytes_max;
  };
  boost::asio::async_write(socket_, buffer_span{buffers_}, progress,
                           [me = self(this)](const error_code& failure, size_t n) { me->on_written(failure, n); });
}

void live_client::on_written(const error_code& failure, size_t bytes) {
  sent_bytes_ += bytes;
  shared_->counters->sent_bytes += bytes;
  if (phase_ != phase::writing)
    return;
  if (failure)
    return hang_up(failure.message());
  if (!header_.empty()) {
    shared_->counters->count_response(200);
    header_.clear();
  }
  if (last_)
    return hang_up(std::move(note_));
  pump();
}

void live_client::finish(std::string note) {
  auto reason = reader_->end_reason();
  if (!reason.empty() && !header_.empty())
    return refuse(problem(ec::source_failed, reason, request_.id));
  // A response that lacks its last chunk tells the client that something went wrong.
  if (!reason.empty())
    return hang_up(std::move(note));
  note_ = std::move(note);
  last_ = true;
  chunks_.clear();
  write();
}

void live_client::watch_client() {
  socket_.async_wait(tcp::socket::wait_read,
                     [me = self(this)](const error_code& failure) { me->on_readable(failure); });
}

void live_client::on_readable(const error_code& failure) {
  if (phase_ == phase::closed)
    return;
  if (failure)
    return hang_up(failure.message());
  std::array<char, 4096> scratch;
  error_code failed;
  auto n = socket_.read_some(boost::asio::buffer(scratch), failed);
  ignored_bytes_ += n;
  if (failed && failed != boost::asio::error::would_block && failed != boost::asio::error::try_again)
    return hang_up("the client has left");
  if (ignored_bytes_ > ignored_bytes_max)
    return hang_up("the client sent what nobody asked for");
  watch_client();
}

void live_client::deadline_passed() {
  if (phase_ == phase::opening)
    return refuse(problem(ec::timeout, {}, request_.id));
  hang_up("the client takes nothing");
}

void live_client::shut_down() {
  stopping_ = true;
  if (phase_ == phase::opening)
    refuse(problem(ec::stopping, {}, request_.id));
  else if (phase_ == phase::waiting)
    pump();
}

void live_client::hang_up(std::string note) {
  auto me = shared_from_this();
  phase_ = phase::closed;
  log_end(std::move(note));
  reader_.reset();
  chunks_.clear();
  if (last_) {
    error_code failure;
    socket_.cancel(failure);
    linger(loop_, std::move(socket_));
  } else {
    error_code failure;
    socket_.close(failure);
  }
  loop_.remove(me);
}

void live_client::log_end(std::string note) {
  access_record record{request_.id, remote_, "GET", request_.target, target_.channel, target_.profile, 0, 0, {}, {}};
  record.status = refusal_ ? refusal_->result_int() : 200;
  record.sent_bytes = sent_bytes_;
  record.duration = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - began_);
  record.note = std::move(note);
  if (reader_ && reader_->skips() > 0)
    record.note +=
      (record.note.empty() ? "moved ahead " : "; moved ahead ") + std::to_string(reader_->skips()) + " times";
  write_log(*shared_, std::move(record));
}

} // namespace troupe::http
