#include "core/trust/url_policy.hpp"

#include "core/trust/address_kind.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace troupe::core {

namespace {

constexpr size_t url_bytes_max = 4096;
constexpr size_t host_bytes_max = 253; // of a name in DNS

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view x) {
  std::string result{x};
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
  return result;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return lower(c) >= 'a' && lower(c) <= 'z';
}

bool is_scheme(std::string_view x) {
  auto legal = [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; };
  return !x.empty() && is_letter(x.front()) && std::all_of(x.begin(), x.end(), legal);
}

bool is_host(std::string_view x) {
  auto legal = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; };
  return x.size() <= host_bytes_max && std::all_of(x.begin(), x.end(), legal);
}

/// True for what resolvers read as an address of IPv4, in whatever spelling: the last label is a number.
bool is_number_host(std::string_view x) {
  auto label = x.substr(x.rfind('.') + 1);
  if (label.starts_with("0x"))
    return true;
  return !label.empty() && std::all_of(label.begin(), label.end(), is_digit);
}

bool has(const std::vector<std::string>& list, std::string_view x) {
  return std::find(list.begin(), list.end(), x) != list.end();
}

/// "tv.example" is that host and every host below it.
bool fits(std::string_view name, std::string_view host) {
  return host.ends_with(name) && (host.size() == name.size() || host[host.size() - name.size() - 1] == '.');
}

/// The host as it is compared: lower case, without brackets, zone and last dot.
std::string plain_host(std::string_view x) {
  if (x.starts_with('[') && x.ends_with(']'))
    x = x.substr(1, x.size() - 2);
  if (x.find(':') != std::string_view::npos)
    x = x.substr(0, x.find('%'));
  else if (x.ends_with('.'))
    x.remove_suffix(1);
  return lower(x);
}

/// The address that the text is, without a port.
std::optional<ip_address> literal_of(std::string_view host) {
  auto single = network::parse(host);
  return single && host.find('/') == std::string_view::npos ? std::optional{single->address} : std::nullopt;
}

std::string quote(std::string_view x) {
  return "\"" + std::string{x.substr(0, host_bytes_max)} + "\"";
}

tl::unexpected<std::string> wrong(std::string why) {
  return tl::unexpected{std::move(why)};
}

/// True for a source that waits for its sender: UDP, RTP, or SRT in listener mode.
bool listens(std::string_view scheme, std::string_view rest) {
  if (scheme == "udp" || scheme == "rtp")
    return true;
  auto query = rest.find('?');
  return scheme == "srt" && query != std::string_view::npos && rest.find("mode=listener", query) != rest.npos;
}

tl::expected<void, std::string> take_host(url_place& to, std::string_view authority) {
  auto host = authority;
  auto end = authority.starts_with('[') ? authority.find(']') : 0;
  if (end == std::string_view::npos)
    return wrong("its host has an opening bracket only");
  auto colon = authority.find(':', end);
  if (colon != std::string_view::npos) {
    auto digits = authority.substr(colon + 1);
    host = authority.substr(0, colon);
    uint16_t port = 0;
    auto [last, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failed != std::errc{} || last != digits.data() + digits.size() || port == 0)
      return wrong("its port must be a number from 1 to 65535");
    to.port = port;
  }
  to.host = plain_host(host);
  to.address = literal_of(to.host);
  if (host.starts_with('[')) {
    if (!to.address || !host.ends_with(']') || to.host.find(':') == std::string::npos)
      return wrong("its host in brackets is no address of IPv6");
  } else if (!is_host(host)) {
    return wrong("its host may only have letters, digits and \"-._\"; write other letters as \"xn--\"");
  } else if (!to.address && is_number_host(to.host)) {
    return wrong("its host is a number; write an address as four numbers, such as 192.168.1.20");
  }
  return {};
}

std::string_view key_for(address_kind x) {
  switch (x) {
  case address_kind::private_network:
    return "urls.private_networks or urls.networks";
  case address_kind::loopback:
    return "urls.loopback or urls.networks";
  default:
    return "urls.networks";
  }
}

} // namespace

tl::expected<url_place, std::string> parse_place(std::string_view url) {
  constexpr std::string_view separator = "://";
  if (url.size() > url_bytes_max)
    return wrong("it is longer than " + std::to_string(url_bytes_max) + " characters");
  auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::any_of(url.begin(), url.end(), is_control))
    return wrong("it has a control character; write such a character as % and two digits");
  auto end = url.find(separator);
  if (end == std::string_view::npos || !is_scheme(url.substr(0, end)))
    return wrong("it does not begin with a scheme such as http://");
  url_place result;
  result.scheme = lower(url.substr(0, end));
  auto rest = url.substr(end + separator.size());
  auto authority = rest.substr(0, std::min(rest.find_first_of("/?#"), rest.size()));
  // Programs disagree about where such an authority ends.
  if (authority.find_first_of(" \\") != std::string_view::npos)
    return wrong("it has a blank or a backslash before its path");
  if (auto at = authority.rfind('@'); at != std::string_view::npos)
    authority.remove_prefix(at + 1);
  result.listens = listens(result.scheme, rest);
  if (auto ok = take_host(result, authority); !ok)
    return wrong(std::move(ok.error()));
  if (result.host.empty() && !result.listens)
    return wrong("it has no host");
  return result;
}

url_policy::url_policy(url_rules rules) : rules_{std::move(rules)} {
  for (auto& x : rules_.networks)
    if (auto parsed = network::parse(x))
      networks_.push_back(*parsed);
  for (auto& x : rules_.hosts) {
    x = plain_host(x);
    if (auto parsed = network::parse(x))
      host_addresses_.push_back(*parsed);
  }
}

std::string url_policy::refusal(url_use use, std::string_view url) const {
  auto place = parse_place(url);
  if (!place)
    return "the URL is not accepted: " + place.error();
  auto web = place->scheme == "http" || place->scheme == "https";
  if (use == url_use::callback && !web)
    return "a callback needs an http or https URL, not " + place->scheme;
  if (use == url_use::source && !has(rules_.schemes, place->scheme))
    return "sources of the scheme " + place->scheme + " are not allowed here; urls.schemes lists those that are";
  if (place->host.empty())
    return {};
  if (auto why = refusal_of_host(place->host); !why.empty())
    return why;
  if (place->address)
    return refusal_of(*place->address, *place);
  if (!rules_.loopback && (place->host == "localhost" || place->host.ends_with(".localhost")))
    return refusal_of(*literal_of("127.0.0.1"));
  return {};
}

std::string url_policy::refusal_of_host(std::string_view host) const {
  if (rules_.hosts.empty())
    return {};
  auto name = plain_host(host);
  if (std::any_of(rules_.hosts.begin(), rules_.hosts.end(), [&](auto& x) { return fits(x, name); }))
    return {};
  auto address = literal_of(name);
  auto holds = [&](auto& x) { return address && x.contains(*address); };
  if (std::any_of(host_addresses_.begin(), host_addresses_.end(), holds))
    return {};
  return "the host " + quote(name) + " is not among urls.hosts; add it there if it may be reached";
}

std::string url_policy::refusal_of(const ip_address& x) const {
  if (std::any_of(networks_.begin(), networks_.end(), [&](auto& n) { return n.contains(x); }))
    return {};
  auto kind = kind_of(x);
  if (kind == address_kind::global || (kind == address_kind::private_network && rules_.private_networks)
      || (kind == address_kind::loopback && rules_.loopback))
    return {};
  return to_text(x) + " is " + std::string{to_string(kind)} + ", which URLs may not reach; to allow it, set "
         + std::string{key_for(kind)};
}

std::string url_policy::refusal_of(const ip_address& x, const url_place& source) const {
  auto kind = kind_of(x);
  auto grouped = source.scheme == "udp" || source.scheme == "rtp" || source.scheme == "rtsp";
  auto usual = (kind == address_kind::multicast && grouped) || (kind == address_kind::unspecified && source.listens);
  return usual ? std::string{} : refusal_of(x);
}

} // namespace troupe::core
