// Addresses of clients: networks, and which address counts behind proxies.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sockaddr;

namespace troupe::core {

/// An address of IPv6; one of IPv4 as "::ffff:a.b.c.d".
using ip_address = std::array<uint8_t, 16>;

/// "192.0.2.1", "2001:db8::1" or "[2001:db8::1]", with or without ":port".
std::optional<ip_address> parse_address(std::string_view text);

/// Of the 4 or 16 bytes that an address has in a packet.
ip_address address_from(std::span<const uint8_t> bytes);
/// Nothing if it is no address of the internet.
std::optional<ip_address> address_of(const sockaddr& x);

bool is_loopback(const ip_address& x);

/// The client that an address stands for: an address of IPv4, or the network of 64 bits around one of IPv6, because
/// that belongs to one customer. Readable.
std::string client_name(const ip_address& x);

/// The address as text.
std::string to_text(const ip_address& x);

/// An address, or a network such as "10.0.0.0/8".
struct network {
  ip_address address{};
  unsigned bits = 128; ///< of its prefix, as of IPv6

  static std::optional<network> parse(std::string_view text);

  bool contains(const ip_address& x) const;
};

/// Who sends a request that came from `peer`, with `forwarded` as its X-Forwarded-For (all such lines, joined by
/// commas). Each proxy appends the address from which it got the request. So the list is read from its end, for as long
/// as the address before was a trusted proxy's; what stands further ahead may be forged. An unreadable entry ends the
/// list.
ip_address client_behind(const ip_address& peer, std::string_view forwarded, std::span<const network> trusted);

} // namespace troupe::core
