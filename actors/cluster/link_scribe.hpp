// A connection between nodes, as CAF's broker reads and writes it: over TLS or plainly, and with a bound on what a peer makes us hold.
//
// BASP says how long a message is before it comes. CAF would set that much memory aside at once; here it grows with what has come, so that a peer pays for
// each byte, and a message beyond `link_message_bytes_max` ends the connection.
#pragma once

#include "actors/cluster/link_tls.hpp"

#include <caf/byte_buffer.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/io/scribe.hpp>

#include <memory>

namespace troupe {

/// How bytes get through a socket.
struct link_transport {
  tls_session tls; ///< has shaken hands; null for a plain connection

  using state = caf::io::network::rw_state;
  using socket = caf::io::network::native_socket;

  state read_some(size_t& result, socket from, void* into, size_t bytes);
  state write_some(size_t& result, socket to, const void* from, size_t bytes);
  /// Whether `bytes` are there that no event of the socket will tell of.
  bool must_read_more(socket, size_t bytes);
};

class link_scribe final : public caf::io::scribe {
public:
  /// Takes the socket over. `place` is released when the connection is gone.
  link_scribe(caf::io::network::default_multiplexer& in, int socket, tls_session tls, std::shared_ptr<void> place);

  void configure_read(caf::io::receive_policy::config config) override;
  void ack_writes(bool enable) override;
  caf::byte_buffer& wr_buf() override;
  caf::byte_buffer& rd_buf() override;
  void graceful_shutdown() override;
  void flush() override;
  std::string addr() const override;
  uint16_t port() const override;
  void add_to_loop() override;
  void remove_from_loop() override;
  bool consume(caf::execution_unit* context, const void* data, size_t bytes) override;

private:
  /// Has the stream hand over the next piece of what is wanted.
  void read_on();

  // The place is free only after the socket is closed: members go in the opposite order.
  std::shared_ptr<void> place_;
  caf::io::network::stream_impl<link_transport> stream_;
  bool launched_ = false;
  size_t wanted_ = 0;         ///< bytes that the broker waits for
  caf::byte_buffer gathered_; ///< that have come of them
};

/// "1.2.3.4:567" of the other end of a socket; empty where it is gone.
std::string peer_of(int socket);

} // namespace troupe
