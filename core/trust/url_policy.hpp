// Which URLs may be opened for sources and callbacks, and to which addresses their connections may go.
//
// A URL is checked twice: as text, when an order comes in, and by each address to which a name leads, right before the
// connection. Only the second check holds against redirects, playlists and names whose addresses change. Each refusal
// says which configuration key allows the place.
#pragma once

#include "core/trust/network.hpp"
#include "core/trust/url_rules.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

enum class url_use : uint8_t { source, callback };

/// Where a URL leads.
struct url_place {
  std::string scheme; ///< lower case
  std::string host;   ///< lower case, without brackets and the last dot; empty: none
  std::optional<uint16_t> port;
  std::optional<ip_address> address; ///< if the host is one
  bool listens = false; ///< the source sends to us: its host is an address of ours, a multicast group, or empty
};

/// Splits a URL. An error says what is wrong with its text: control characters, blanks and backslashes, other spellings
/// of addresses ("2130706433", "0x7f.1"), a host that is not ASCII, a port that is none.
tl::expected<url_place, std::string> parse_place(std::string_view url);

class url_policy {
public:
  /// With the rules' defaults.
  url_policy() : url_policy(url_rules{}) {}

  explicit url_policy(url_rules rules);

  /// Why the URL is refused; empty if its text is fine. Its address may still be refused.
  std::string refusal(url_use use, std::string_view url) const;

  /// Why no connection may be made to a host of this name or address, whatever its address; else empty.
  std::string refusal_of_host(std::string_view host) const;

  /// Why no connection may go to this address; else empty.
  std::string refusal_of(const ip_address& x) const;

  /// The same for a source: one that listens may name an address of ours, and RTP and UDP a multicast group.
  std::string refusal_of(const ip_address& x, const url_place& source) const;

private:
  url_rules rules_;
  std::vector<network> networks_;
  std::vector<network> host_addresses_;
};

} // namespace troupe::core
