#include "http/live.hpp"
#include "http/chunked.hpp"

#include "base/mask_url.hpp"
#include "config/waits.hpp"
#include "http/ask.hpp"
#include "http/problem.hpp"
#include "packaging/rendition.hpp"

#include <cstdio>
#include <span>
#include <string_view>
#include <utility>

#include <boost/asio/write.hpp>

namespace troupe::http {

namespace {

/// Bytes that a client may send while it watches; a client has no reason to send any.
constexpr uint64_t ignored_bytes_max = 64 * 1024;

constexpr std::string_view suffix = ".ts";

/// The buffers of one write, without a copy of their list.
using buffer_span = std::span<const boost::asio::const_buffer>;

/// What is left of a write after its first `bytes`.
void drop_front(std::vector<boost::asio::const_buffer>& of, size_t bytes) {
  auto first = of.begin();
  for (; first != of.end() && bytes >= first->size(); ++first)
    bytes -= first->size();
  of.erase(of.begin(), first);
  if (!of.empty())
    of.front() += bytes;
}

} // namespace

std::optional<live_target> live_target::of(const std::vector<std::string>& path) {
  if (path.size() != 3 || path[0] != "live" || path[1].empty() || !path[2].ends_with(suffix)
      || path[2].size() == suffix.size())
    return std::nullopt;
  return live_target{path[1], path[2].substr(0, path[2].size() - suffix.size())};
}

live_client::live_client(loop& in, client_socket socket, service_ptr shared, request of, live_target target,
                         unsigned version, share place)
  : stream_client(in, std::move(socket), std::move(shared), std::move(of), version, std::move(place),
                  ignored_bytes_max),
    target_(std::move(target)) {}

void live_client::start() {
  limit_unsent(socket_.native_handle());
  begin(config::defaults::outer_wait(shared_->config.watch_timeout));
  viewer_ = shared_->viewers->enter(
    {{}, target_.channel, target_.profile, request_.address, core::client_name(request_.from)}, clock::now());
  if (!viewer_)
    return refuse(too_many_clients(request_.id));
  ask<rendition_ptr>(shared_->system, shared_->gateway, shared_->config.watch_timeout, answer_to(&live_client::opened),
                     watch_atom_v, target_.channel, target_.profile);
}

void live_client::opened(caf::expected<rendition_ptr> stream) {
  if (phase_ != phase::opening)
    return;
  if (!stream)
    return refuse(for_viewers(stream.error(), request_.id));
  if (*stream == nullptr)
    return refuse(problem(ec::stopping, {}, request_.id));
  reader_.emplace((*stream)->stream());
  group_ = live_group::of(loop_, *(*stream)->stream());
  header_ =
    head_of({status::ok, "video/mp2t", {}, {{"X-Accel-Buffering", "no"}, {"Access-Control-Allow-Origin", "*"}}});
  auto line = record(200, "watching");
  line.channel = target_.channel;
  line.profile = target_.profile;
  write_log(*shared_, std::move(line));
  pump();
}

void live_client::take() {
  if (waits())
    serve();
}

void live_client::listen(std::function<void()> wake) {
  reader_->notify(std::move(wake));
}

void live_client::pump() {
  // What came during its last write goes with the next flush.
  if (group_->rests() && header_.empty() && !behind_ && !stopping_)
    return await_data();
  serve();
}

void live_client::serve() {
  chunks_.clear();
  if (stopping_)
    return finish("the server stops");
  turn_ = group_->turn();
  switch (reader_->read(chunks_, write_bytes_max)) {
  case variant_stream::reader::outcome::data:
    return write();
  case variant_stream::reader::outcome::end:
    return finish(reader_->end_reason());
  case variant_stream::reader::outcome::wait:
    behind_ = false;
    if (!header_.empty())
      return write(); // send the header now: a client that has it waits patiently
    return await_data();
  }
}

void live_client::await_data() {
  phase_ = phase::waiting;
  expire_never(); // a source may be silent for as long as its session lets it
  group_->await(self(this), turn_);
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
  behind_ = size > write_bytes_max / 2;
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
  // Most sockets take all at once: no call from the loop is needed for these.
  error_code failure;
  auto taken = socket_.write_some(buffer_span{buffers_}, failure);
  if (failure == boost::asio::error::would_block || failure == boost::asio::error::try_again)
    failure = {};
  if (failure || taken == boost::asio::buffer_size(buffers_))
    return on_written(failure, taken);
  drop_front(buffers_, taken);
  boost::asio::async_write(
    socket_, buffer_span{buffers_}, alive_while_written(shared_->config.write_timeout),
    [me = self(this), taken](const error_code& failed, size_t n) { me->on_written(failed, taken + n); });
}

void live_client::written(size_t bytes) {
  viewer_->sent(bytes, clock::now());
  shared_->counters->count_delivered(delivery_format::ts, bytes);
  if (header_.empty())
    return;
  shared_->counters->count_response(200);
  header_.clear();
}

void live_client::finish(std::string note) {
  auto reason = reader_->end_reason();
  if (!reason.empty() && !header_.empty())
    return refuse(problem(ec::source_failed, base::only_hosts(reason), request_.id));
  // A response without its last chunk tells the client that something went wrong.
  if (!reason.empty())
    return hang_up(std::move(note));
  note_ = std::move(note);
  last_ = true;
  chunks_.clear();
  write();
}

void live_client::describe(access_record& line) const {
  line.channel = target_.channel;
  line.profile = target_.profile;
  if (reader_ && reader_->skips() > 0)
    line.note += (line.note.empty() ? "moved ahead " : "; moved ahead ") + std::to_string(reader_->skips()) + " times";
}

void live_client::leave() {
  if (viewer_)
    shared_->viewers->leave(std::exchange(viewer_, nullptr));
  reader_.reset();
  if (auto group = std::exchange(group_, nullptr))
    group->left(*this);
  chunks_.clear();
}

} // namespace troupe::http
