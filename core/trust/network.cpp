#include "core/trust/network.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

namespace troupe::core {

namespace {

constexpr std::array<uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned v4_offset_bits = 96;

bool is_v4(const ip_address& x) {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), x.begin());
}

std::optional<ip_address> parse_bare(std::string_view text) {
  const std::string copy{text};
  ip_address result{};
  if (::inet_pton(AF_INET6, copy.c_str(), result.data()) == 1)
    return result;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), result.begin());
  if (::inet_pton(AF_INET, copy.c_str(), result.data() + mapped_prefix.size()) == 1)
    return result;
  return {};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

} // namespace

std::optional<ip_address> parse_address(std::string_view text) {
  if (text.starts_with('[')) {
    auto end = text.find(']');
    return end == std::string_view::npos ? std::nullopt : parse_bare(text.substr(1, end - 1));
  }
  // One colon separates a port; an address of IPv6 has at least two.
  auto colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos)
    text = text.substr(0, colon);
  return parse_bare(text);
}

ip_address address_from(std::span<const uint8_t> bytes) {
  ip_address result{};
  if (bytes.size() < result.size())
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), result.begin());
  std::copy(bytes.begin(), bytes.end(), result.end() - static_cast<std::ptrdiff_t>(bytes.size()));
  return result;
}

std::optional<ip_address> address_of(const sockaddr& x) {
  auto bytes = [](auto& of) { return std::span{reinterpret_cast<const uint8_t*>(&of), sizeof of}; };
  if (x.sa_family == AF_INET6)
    return address_from(bytes(reinterpret_cast<const sockaddr_in6&>(x).sin6_addr));
  if (x.sa_family == AF_INET)
    return address_from(bytes(reinterpret_cast<const sockaddr_in&>(x).sin_addr));
  return {};
}

bool is_loopback(const ip_address& x) {
  constexpr ip_address one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return x == one || (is_v4(x) && x[mapped_prefix.size()] == 127);
}

std::string to_text(const ip_address& x) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  auto v4 = is_v4(x);
  ::inet_ntop(v4 ? AF_INET : AF_INET6, x.data() + (v4 ? mapped_prefix.size() : 0), text.data(), text.size());
  return text.data();
}

std::string client_name(const ip_address& x) {
  if (is_v4(x))
    return to_text(x);
  auto network = x;
  std::fill(network.begin() + 8, network.end(), uint8_t{0});
  return to_text(network) + "/64";
}

std::optional<network> network::parse(std::string_view text) {
  auto slash = text.find('/');
  auto address = parse_bare(text.substr(0, slash));
  if (!address)
    return {};
  network result{*address, 128};
  if (slash == std::string_view::npos)
    return result;
  auto digits = text.substr(slash + 1);
  auto most = is_v4(*address) ? 32u : 128u;
  unsigned bits = 0;
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (failed != std::errc{} || end != digits.data() + digits.size() || bits > most)
    return {};
  result.bits = is_v4(*address) ? bits + v4_offset_bits : bits;
  return result;
}

bool network::contains(const ip_address& x) const {
  for (unsigned i = 0; i < bits; ++i) {
    auto mask = static_cast<uint8_t>(0x80u >> (i % 8));
    if ((x[i / 8] & mask) != (address[i / 8] & mask))
      return false;
  }
  return true;
}

ip_address client_behind(const ip_address& peer, std::string_view forwarded, std::span<const network> trusted) {
  auto is_proxy = [trusted](const ip_address& x) {
    return std::any_of(trusted.begin(), trusted.end(), [&x](auto& n) { return n.contains(x); });
  };
  auto result = peer;
  while (!forwarded.empty() && is_proxy(result)) {
    auto comma = forwarded.rfind(',');
    auto hop = parse_address(trimmed(comma == std::string_view::npos ? forwarded : forwarded.substr(comma + 1)));
    if (!hop)
      return result;
    result = *hop;
    forwarded = comma == std::string_view::npos ? std::string_view{} : forwarded.substr(0, comma);
  }
  return result;
}

} // namespace troupe::core
