// Two tables: networks and their kinds, and where an address of IPv6 holds one of IPv4.
#include "core/trust/address_kind.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace troupe::core {

namespace {

struct row {
  ip_address address;
  unsigned bits;
  address_kind kind;
};

constexpr unsigned v4_offset = 12;

constexpr ip_address v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
}

constexpr row v4_row(uint8_t a, uint8_t b, uint8_t c, uint8_t d, unsigned bits, address_kind kind) {
  return {v4(a, b, c, d), bits + 8 * v4_offset, kind};
}

// Of the IANA registries of special-purpose addresses (RFC 6890), and of the clouds' documentation. The first row that
// fits counts.
constexpr std::array rows{
  v4_row(169, 254, 169, 254, 32, address_kind::metadata),    // most clouds
  v4_row(169, 254, 170, 0, 24, address_kind::metadata),      // containers at Amazon
  v4_row(100, 100, 100, 200, 32, address_kind::metadata),    // Alibaba
  v4_row(168, 63, 129, 16, 32, address_kind::metadata),      // Azure
  v4_row(192, 0, 0, 192, 32, address_kind::metadata),        // Oracle
  row{{0xfd, 0x00, 0x0e, 0xc2}, 32, address_kind::metadata}, // Amazon
  row{{0xfd, 0x20, 0x00, 0xce}, 32, address_kind::metadata}, // Google
  v4_row(0, 0, 0, 0, 8, address_kind::unspecified),
  v4_row(127, 0, 0, 0, 8, address_kind::loopback),
  v4_row(169, 254, 0, 0, 16, address_kind::link_local),
  v4_row(10, 0, 0, 0, 8, address_kind::private_network),
  v4_row(172, 16, 0, 0, 12, address_kind::private_network),
  v4_row(192, 168, 0, 0, 16, address_kind::private_network),
  v4_row(100, 64, 0, 0, 10, address_kind::private_network),
  v4_row(198, 18, 0, 0, 15, address_kind::private_network),
  v4_row(192, 0, 0, 0, 24, address_kind::reserved),
  v4_row(224, 0, 0, 0, 4, address_kind::multicast),
  v4_row(240, 0, 0, 0, 4, address_kind::reserved),
  row{{}, 128, address_kind::unspecified},
  row{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, address_kind::loopback},
  row{{0xfe, 0x80}, 10, address_kind::link_local},
  row{{0xfe, 0xc0}, 10, address_kind::private_network},
  row{{0xfc, 0x00}, 7, address_kind::private_network},
  row{{0xff, 0x00}, 8, address_kind::multicast},
};

/// A network whose addresses hold one of IPv4, from byte `at`.
struct embedding {
  network around;
  size_t at;
  uint8_t mask; ///< each byte is combined with it
};

const std::array embeddings{
  embedding{{{0x20, 0x02}, 16}, 2, 0},                                // 6to4
  embedding{{{0x20, 0x01, 0, 0}, 32}, 4, 0},                          // Teredo: its server
  embedding{{{0x20, 0x01, 0, 0}, 32}, 12, 0xff},                      // Teredo: its client
  embedding{{{0x00, 0x64, 0xff, 0x9b}, 96}, 12, 0},                   // NAT64
  embedding{{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, 12, 0},       // NAT64 of a site
  embedding{{{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, 96}, 12, 0}, // translated
  embedding{{{}, 96}, 12, 0},                                         // compatible
};

bool is_isatap(const ip_address& x) {
  constexpr uint8_t flags = 0x03; // of its eighth byte: universal, group
  return (x[8] & ~flags) == 0 && x[9] == 0 && x[10] == 0x5e && x[11] == 0xfe;
}

address_kind kind_in_table(const ip_address& x) {
  auto found = std::find_if(rows.begin(), rows.end(), [&x](auto& r) { return network{r.address, r.bits}.contains(x); });
  return found == rows.end() ? address_kind::global : found->kind;
}

address_kind kind_of_v4_in(const ip_address& x, size_t at, uint8_t mask) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(x[at + i] ^ mask); };
  return kind_in_table(v4(byte(0), byte(1), byte(2), byte(3)));
}

} // namespace

std::string_view to_string(address_kind x) noexcept {
  switch (x) {
  case address_kind::global:
    return "a public address";
  case address_kind::private_network:
    return "an address of a private network";
  case address_kind::loopback:
    return "a loopback address, this machine itself";
  case address_kind::link_local:
    return "a link-local address";
  case address_kind::metadata:
    return "the address of a cloud's metadata service";
  case address_kind::unspecified:
    return "an address that names no machine";
  case address_kind::multicast:
    return "a multicast address";
  case address_kind::reserved:
    break;
  }
  return "a reserved address";
}

address_kind kind_of(const ip_address& x) noexcept {
  if (auto kind = kind_in_table(x); kind != address_kind::global)
    return kind;
  for (auto& e : embeddings)
    if (e.around.contains(x))
      if (auto kind = kind_of_v4_in(x, e.at, e.mask); kind != address_kind::global)
        return kind;
  return is_isatap(x) ? kind_of_v4_in(x, v4_offset, 0) : address_kind::global;
}

} // namespace troupe::core
