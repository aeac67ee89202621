#include "actors/cluster/link_connection.hpp"

#include "config/defaults.hpp"
#include "telemetry/log.hpp"
#include "telemetry/log_budget.hpp"

#include <caf/io/receive_policy.hpp>
#include <caf/policy/tcp.hpp>

#include <openssl/err.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace troupe {

namespace {

namespace net = caf::io::network;
namespace defaults = config::defaults;

core::byte_view view(const caf::byte_buffer& x) {
  return std::as_bytes(std::span{x});
}

int to_int(size_t bytes) {
  return static_cast<int>(std::min<size_t>(bytes, std::numeric_limits<int>::max()));
}

/// What an OpenSSL call that did nothing means for CAF's stream. Errors of other connections of this thread must not
/// count: the callers empty OpenSSL's error queue before the call.
net::rw_state state_of(SSL* tls, int outcome, bool writes) {
  switch (SSL_get_error(tls, outcome)) {
  case SSL_ERROR_WANT_READ:
    return writes ? net::rw_state::want_read : net::rw_state::success;
  case SSL_ERROR_WANT_WRITE:
    return net::rw_state::success;
  default:
    return net::rw_state::failure;
  }
}

} // namespace

link_transport::state link_transport::read_some(size_t& result, socket from, void* into, size_t bytes) {
  if (!tls)
    return caf::policy::tcp::read_some(result, from, into, bytes);
  ERR_clear_error();
  auto n = SSL_read(tls.get(), into, to_int(bytes));
  result = n > 0 ? static_cast<size_t>(n) : 0;
  return n > 0 ? state::success : state_of(tls.get(), n, false);
}

link_transport::state link_transport::write_some(size_t& result, socket to, const void* from, size_t bytes) {
  if (!tls)
    return caf::policy::tcp::write_some(result, to, from, bytes);
  result = 0;
  if (bytes == 0)
    return state::indeterminate;
  ERR_clear_error();
  auto n = SSL_write(tls.get(), from, to_int(bytes));
  result = n > 0 ? static_cast<size_t>(n) : 0;
  return n > 0 ? state::success : state_of(tls.get(), n, true);
}

bool link_transport::must_read_more(socket, size_t bytes) {
  return tls && static_cast<size_t>(SSL_pending(tls.get())) >= bytes;
}

link_connection::link_connection(net::default_multiplexer& in, int socket, tls_session tls, std::shared_ptr<void> place,
                                 std::optional<core::link_filter> filter, std::shared_ptr<void> known)
  : scribe(net::conn_hdl_from_socket(socket)),
    place_(std::move(place)),
    stream_(in, socket, link_transport{std::move(tls)}),
    filter_(std::move(filter)),
    known_(std::move(known)) {}

void link_connection::configure_read(caf::io::receive_policy::config) {
  // CAF always wants the rest of the message that it knows of, or the next header, as `deliver` gives them to it.
  if (std::exchange(launched_, true))
    return;
  read_on();
  stream_.start(this);
}

void link_connection::read_on() {
  auto piece = std::max<size_t>(defaults::link_step_bytes, gathered_.size());
  stream_.configure_read(caf::io::receive_policy::exactly(std::min(awaited_ - gathered_.size(), piece)));
}

bool link_connection::consume(caf::execution_unit* context, const void*, size_t bytes) {
  if (detached())
    return false;
  auto& piece = rd_buf();
  if (gathered_.empty()) {
    piece.resize(bytes);
    gathered_.swap(piece);
  } else {
    gathered_.insert(gathered_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(bytes));
  }
  if (gathered_.size() == awaited_ && !handle(context))
    return false;
  read_on();
  return true;
}

bool link_connection::handle(caf::execution_unit* context) {
  if (header_.empty()) {
    auto length = core::basp_payload_bytes(view(gathered_));
    auto judged = filter_ ? filter_->header(view(gathered_)) : core::link_filter::judgement{};
    if (judged.what == core::link_filter::fate::end)
      return end(context, judged.why);
    if (length > defaults::link_message_bytes_max)
      return end(context, "a message is longer than the limit");
    header_.swap(gathered_);
    gathered_.clear();
    awaited_ = length;
    if (length > 0)
      return true;
  }
  auto judged = filter_ ? filter_->message(view(header_), view(gathered_)) : core::link_filter::judgement{};
  if (judged.what == core::link_filter::fate::end)
    return end(context, judged.why);
  if (judged.what == core::link_filter::fate::pass
      && (!deliver(context, header_) || (!gathered_.empty() && !deliver(context, gathered_))))
    return false;
  header_.clear();
  gathered_.clear();
  awaited_ = core::basp_header_bytes;
  return true;
}

bool link_connection::deliver(caf::execution_unit* context, caf::byte_buffer& bytes) {
  auto& buffer = rd_buf();
  buffer.swap(bytes);
  return scribe::consume(context, buffer.data(), buffer.size());
}

bool link_connection::end(caf::execution_unit* context, std::string_view why) {
  thread_local telemetry::log_budget lines;
  if (auto left_out = lines.take())
    log::warning("a connection to another node ends",
                 {{"peer", addr() + ":" + std::to_string(port())}, {"reason", why}, {"not_logged_before", *left_out}});
  io_failure(context, net::operation::read);
  return false;
}

void link_connection::ack_writes(bool enable) {
  stream_.ack_writes(enable);
}

caf::byte_buffer& link_connection::wr_buf() {
  return filter_ ? leaving_ : stream_.wr_buf();
}

caf::byte_buffer& link_connection::rd_buf() {
  return stream_.rd_buf();
}

void link_connection::graceful_shutdown() {
  stream_.graceful_shutdown();
  detach(&stream_.backend(), false);
}

void link_connection::flush() {
  if (filter_) {
    auto kept_back = filter_->learn(view(leaving_));
    for (auto i = kept_back.rbegin(); i != kept_back.rend(); ++i) {
      auto from = leaving_.begin() + static_cast<std::ptrdiff_t>(i->first);
      leaving_.erase(from, from + static_cast<std::ptrdiff_t>(i->second));
    }
    auto& to = stream_.wr_buf();
    if (to.empty())
      to.swap(leaving_);
    else
      to.insert(to.end(), leaving_.begin(), leaving_.end());
    leaving_.clear();
  }
  stream_.flush(this);
}

std::string link_connection::addr() const {
  auto x = net::remote_addr_of_fd(stream_.fd());
  return x ? *x : std::string{};
}

uint16_t link_connection::port() const {
  auto x = net::remote_port_of_fd(stream_.fd());
  return x ? *x : uint16_t{0};
}

void link_connection::add_to_loop() {
  stream_.activate(this);
}

void link_connection::remove_from_loop() {
  stream_.passivate();
}

std::string peer_of(int socket) {
  auto address = net::remote_addr_of_fd(socket);
  auto port = net::remote_port_of_fd(socket);
  return address && port ? *address + ":" + std::to_string(*port) : std::string{};
}

} // namespace troupe
