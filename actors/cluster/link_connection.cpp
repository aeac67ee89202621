#include "actors/cluster/link_connection.hpp"

#include "config/defaults.hpp"
#include "telemetry/log.hpp"

#include <caf/io/receive_policy.hpp>
#include <caf/policy/tcp.hpp>

#include <openssl/err.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace troupe {

namespace {

namespace net = caf::io::network;
namespace defaults = config::defaults;

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
                                 std::shared_ptr<void> known)
  : scribe(net::conn_hdl_from_socket(socket)),
    place_(std::move(place)),
    stream_(in, socket, link_transport{std::move(tls)}),
    known_(std::move(known)) {}

void link_connection::configure_read(caf::io::receive_policy::config config) {
  wanted_ = config.second;
  read_on();
  if (!std::exchange(launched_, true))
    stream_.start(this);
}

void link_connection::read_on() {
  auto piece = std::max<size_t>(defaults::link_step_bytes, gathered_.size());
  stream_.configure_read(caf::io::receive_policy::exactly(std::min(wanted_ - gathered_.size(), piece)));
}

bool link_connection::consume(caf::execution_unit* context, const void* data, size_t bytes) {
  if (detached())
    return false;
  if (wanted_ > bytes) {
    auto& piece = rd_buf();
    gathered_.insert(gathered_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(bytes));
    if (gathered_.size() < wanted_) {
      read_on();
      return true;
    }
    piece.swap(gathered_);
    gathered_ = {};
    bytes = piece.size();
  }
  if (!scribe::consume(context, data, bytes))
    return false;
  if (wanted_ <= defaults::link_message_bytes_max)
    return true;
  log::warning("a connection to another node ends: a message is longer than the limit",
               {{"peer", addr() + ":" + std::to_string(port())}, {"bytes", wanted_}});
  io_failure(context, net::operation::read);
  return false;
}

void link_connection::ack_writes(bool enable) {
  stream_.ack_writes(enable);
}

caf::byte_buffer& link_connection::wr_buf() {
  return stream_.wr_buf();
}

caf::byte_buffer& link_connection::rd_buf() {
  return stream_.rd_buf();
}

void link_connection::graceful_shutdown() {
  stream_.graceful_shutdown();
  detach(&stream_.backend(), false);
}

void link_connection::flush() {
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
