// A connection between nodes, as CAF's broker reads and writes it: with or without TLS, whole messages at a time. The
// coordinator's side has a filter, which judges each message before CAF sees it.
//
// BASP announces a message's length before the message. CAF would allocate that much memory at once. Here the buffer
// grows with the received bytes, so that a peer must send each byte that it occupies. A message beyond
// `link_message_bytes_max` ends the connection.
#pragma once

#include "actors/cluster/link_tls.hpp"
#include "core/trust/link_filter.hpp"

#include <caf/byte_buffer.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/io/scribe.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// How bytes pass through a socket.
struct link_transport {
  tls_session tls; ///< the handshake is done; null for a plain connection

  using state = caf::io::network::rw_state;
  using socket = caf::io::network::native_socket;

  state read_some(size_t& result, socket from, void* into, size_t bytes);
  state write_some(size_t& result, socket to, const void* from, size_t bytes);
  /// Whether `bytes` bytes are buffered that no event of the socket will announce.
  bool must_read_more(socket, size_t bytes);
};

class link_connection final : public caf::io::scribe {
public:
  /// Takes over the socket. `known` is released before the socket is closed, and `place` afterwards.
  link_connection(caf::io::network::default_multiplexer& in, int socket, tls_session tls, std::shared_ptr<void> place,
                  std::optional<core::link_filter> filter, std::shared_ptr<void> known = {});

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
  /// Asks the stream for the next of the `awaited_` bytes.
  void read_on();
  /// A whole message is in `header_` and `gathered_`. False if the connection has ended.
  bool handle(caf::execution_unit* context);
  /// Gives the bytes to CAF.
  bool deliver(caf::execution_unit* context, caf::byte_buffer& bytes);
  /// Ends the connection, with a line in the log. Returns false.
  bool end(caf::execution_unit* context, std::string_view why);

  // The place must be free only after the socket is closed: members are destroyed in reverse order.
  std::shared_ptr<void> place_;
  caf::io::network::stream_impl<link_transport> stream_;
  std::optional<core::link_filter> filter_;
  std::shared_ptr<void> known_;
  bool launched_ = false;
  caf::byte_buffer header_; ///< of the message whose payload is awaited; empty while a header is awaited
  size_t awaited_ = core::basp_header_bytes; ///< number of bytes of the header or the payload
  caf::byte_buffer gathered_;                ///< those of them that have arrived
  caf::byte_buffer leaving_;                 ///< what CAF writes, if there is a filter
};

/// "1.2.3.4:567" of the other end of a socket; empty if it is gone.
std::string peer_of(int socket);

} // namespace troupe
