// Kinds of IP addresses, as far as it matters who may have something connect to them.
#pragma once

#include "core/trust/network.hpp"

#include <cstdint>
#include <string_view>

namespace troupe::core {

enum class address_kind : uint8_t {
  global,
  private_network, ///< homes and companies: RFC 1918, shared (RFC 6598), benchmark (RFC 2544), unique local, site-local
  loopback,
  link_local,
  metadata, ///< services that give a cloud's machines their secrets
  unspecified,
  multicast,
  reserved,
};

/// In words: "a loopback address".
std::string_view to_string(address_kind x) noexcept;

/// The kind of an address. An address of IPv6 that leads to one of IPv4 has the kind of that one, unless that is
/// global: mapped, compatible, translated, 6to4, NAT64, Teredo, ISATAP.
address_kind kind_of(const ip_address& x) noexcept;

} // namespace troupe::core
