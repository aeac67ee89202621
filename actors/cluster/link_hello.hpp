// The first bytes of a node that connects without TLS: BASP's client handshake. Every node sends it unasked right after
// it connects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace troupe {

/// Bytes of BASP's header.
inline constexpr size_t hello_header_bytes = 32;

/// The most bytes of a whole handshake: the header and the id of a node.
inline constexpr size_t hello_bytes_max = 1024;

/// The size of the handshake that begins with `first`, which must have at least `hello_header_bytes` bytes; empty if it
/// is no handshake. The layout is that of `caf::io::basp::header`: operation, two bytes of padding, flags, length of
/// the payload, operation data, source and destination, in network byte order.
inline std::optional<size_t> hello_bytes(std::span<const std::byte> first) {
  constexpr auto client_handshake = std::byte{1};
  if (first.size() < hello_header_bytes || first[0] != client_handshake)
    return std::nullopt;
  size_t payload = 0;
  for (auto x : first.subspan(4, 4))
    payload = (payload << 8) | std::to_integer<size_t>(x);
  for (auto x : first.subspan(8, 24))
    if (x != std::byte{0})
      return std::nullopt;
  if (payload == 0 || payload > hello_bytes_max - hello_header_bytes)
    return std::nullopt;
  return hello_header_bytes + payload;
}

} // namespace troupe
