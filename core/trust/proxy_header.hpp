// The header of the PROXY protocol, by which a proxy says for whom it connects: versions 1 (a line) and 2 (binary).
//
// Source: "The PROXY protocol, versions 1 & 2", HAProxy, sections 2.1 and 2.2. Only a trusted proxy's header counts, but
// even so nothing in it is believed beyond its limits: every byte is checked.
#pragma once

#include "core/trust/network.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace troupe::core {

/// Of version 1, line end included.
inline constexpr size_t proxy_line_bytes_max = 107;

/// Of version 2: 16 bytes, addresses, and further fields, which are skipped.
inline constexpr size_t proxy_header_bytes_max = 4096;

struct proxy_header {
  enum class state : uint8_t {
    more, ///< it may become a header
    bad,  ///< it is none
    done
  };

  state what = state::more;
  size_t size = 0; ///< of the header, if it is done; what follows is the client's
  /// The client; empty if the proxy connects for itself, or does not know for whom.
  std::optional<ip_address> from{};
  uint16_t port = 0; ///< of the client

  bool operator==(const proxy_header&) const = default;
};

/// Reads the first bytes of a connection. While the result is `more`, all of them belong to the header.
proxy_header read_proxy_header(std::span<const uint8_t> bytes);

} // namespace troupe::core
