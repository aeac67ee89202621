// What the machine allows at most: the traffic of `relay` over bare sockets, without CAF, sessions and messages.
//
// The same processes exchange the same bytes. One end sends blocks, the relay passes each to the other end, which
// acknowledges it and sends it back. The length of messages, their number in flight and their acknowledgement are those
// of `relay`. TLS is OpenSSL with the product's own settings. The relay is one thread, like CAF's multiplexer, and
// copies nothing.
#pragma once

#include "actors/cluster/link.hpp"
#include "bench/relay_actors.hpp"

#include <cstddef>
#include <cstdint>
#include <thread>

namespace troupe::bench {

class bare_relay {
public:
  /// Listens on any port. Throws `std::runtime_error`.
  explicit bare_relay(const link_config& at);

  uint16_t port() const noexcept {
    return port_;
  }

  /// Accepts both ends of each stream, then relays until an end closes its connection.
  void relay(size_t streams, relay_counters& counters);

private:
  [[noreturn]] void accept_and_relay(size_t streams, relay_counters& counters);

  link_config at_;
  int listener_ = -1;
  uint16_t port_ = 0;
};

enum class bare_role : char { ingest = 'i', task = 't' };

/// One end of a stream: sends blocks, or sends back what it gets. Returns when the relay is gone.
void flood_or_echo(const link_config& to, bare_role role);

} // namespace troupe::bench
