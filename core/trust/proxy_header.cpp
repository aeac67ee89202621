#include "core/trust/proxy_header.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace troupe::core {

namespace {

using state = proxy_header::state;
using bytes_view = std::span<const uint8_t>;

constexpr std::string_view line_begin = "PROXY ";
constexpr std::string_view line_end = "\r\n";
constexpr std::array<uint8_t, 12> signature{'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};
constexpr size_t fixed_bytes = 16;
constexpr size_t v4_bytes = 4;
constexpr size_t v6_bytes = 16;

constexpr proxy_header bad{state::bad};

/// True if one is the beginning of the other.
template <class A, class B>
bool agree(const A& a, const B& b) {
  auto n = std::min(a.size(), b.size());
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin(),
                    [](auto x, auto y) { return static_cast<uint8_t>(x) == static_cast<uint8_t>(y); });
}

uint16_t number_at(bytes_view x, size_t at) {
  return static_cast<uint16_t>(x[at] << 8 | x[at + 1]);
}

// -- version 1 ------------------------------------------------------------------

/// The text up to the next blank, which is taken off, too.
std::string_view take_word(std::string_view& rest) {
  auto end = std::min(rest.find(' '), rest.size());
  auto result = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return result;
}

std::optional<uint16_t> port_of(std::string_view text) {
  uint16_t result = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), result);
  auto plain = text == "0" || !text.starts_with('0');
  return plain && failed == std::errc{} && end == text.data() + text.size() ? std::optional{result} : std::nullopt;
}

/// The address, if it is of that kind and nothing else, such as a port, stands with it.
std::optional<ip_address> address_of(std::string_view text, bool v6) {
  auto of_kind = text.find(':') != std::string_view::npos ? v6 : !v6;
  return of_kind && text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos ? parse_address(text)
                                                                                                 : std::nullopt;
}

/// `text`: all after "PROXY ", without the line end.
proxy_header read_words(std::string_view text, size_t size) {
  auto kind = take_word(text);
  // What follows is not to be looked at.
  if (kind == "UNKNOWN")
    return {state::done, size};
  auto v6 = kind == "TCP6";
  if (!v6 && kind != "TCP4")
    return bad;
  auto blanks = std::count(text.begin(), text.end(), ' ');
  auto from = address_of(take_word(text), v6);
  auto to = address_of(take_word(text), v6);
  auto from_port = port_of(take_word(text));
  auto to_port = port_of(text);
  if (blanks != 3 || !from || !to || !from_port || !to_port)
    return bad;
  return {state::done, size, from, *from_port};
}

proxy_header read_line(bytes_view bytes) {
  std::string_view text{reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), proxy_line_bytes_max)};
  auto end = text.find('\n');
  if (end == std::string_view::npos)
    return text.size() < proxy_line_bytes_max && text.find('\0') == std::string_view::npos ? proxy_header{} : bad;
  if (end < line_begin.size() + 1 || text.substr(end - 1, line_end.size()) != line_end)
    return bad;
  text = text.substr(0, end - 1);
  if (text.find_first_of(std::string_view{"\r\0", 2}) != std::string_view::npos)
    return bad;
  return read_words(text.substr(line_begin.size()), end + 1);
}

// -- version 2 ------------------------------------------------------------------

proxy_header read_binary(bytes_view bytes) {
  constexpr uint8_t version = 2;
  constexpr uint8_t local = 0;
  constexpr uint8_t proxied = 1;
  constexpr uint8_t families = 4;   // unspecified, IPv4, IPv6, Unix
  constexpr uint8_t transports = 2; // unspecified, stream; a datagram cannot have brought a connection
  constexpr uint8_t ipv4 = 1;
  constexpr uint8_t ipv6 = 2;
  if (bytes.size() > 12 && (bytes[12] >> 4 != version || (bytes[12] & 0xf) > proxied))
    return bad;
  if (bytes.size() > 13 && (bytes[13] >> 4 >= families || (bytes[13] & 0xf) >= transports))
    return bad;
  if (bytes.size() < fixed_bytes)
    return {};
  auto body = size_t{number_at(bytes, 14)};
  auto size = fixed_bytes + body;
  if (size > proxy_header_bytes_max)
    return bad;
  auto family = bytes[13] >> 4;
  auto counts = (bytes[12] & 0xf) != local && (bytes[13] & 0xf) != 0;
  auto address = family == ipv4 ? v4_bytes : family == ipv6 ? v6_bytes : 0;
  if (counts && address > 0 && body < 2 * (address + 2))
    return bad;
  if (bytes.size() < size)
    return {};
  if (!counts || address == 0)
    return {state::done, size};
  auto from = bytes.subspan(fixed_bytes, address);
  return {state::done, size, address_from(from), number_at(bytes, fixed_bytes + 2 * address)};
}

} // namespace

proxy_header read_proxy_header(bytes_view bytes) {
  if (bytes.empty())
    return {};
  if (agree(bytes, signature))
    return bytes.size() < signature.size() ? proxy_header{} : read_binary(bytes);
  if (agree(bytes, line_begin))
    return bytes.size() < line_begin.size() ? proxy_header{} : read_line(bytes);
  return bad;
}

} // namespace troupe::core
