#include "base/path_text.hpp"

#include <algorithm>
#include <cctype>

namespace troupe::base {

namespace {

constexpr std::string_view scheme = "file://";

unsigned char byte_at(std::string_view x, size_t i) {
  return i < x.size() ? static_cast<unsigned char>(x[i]) : 0;
}

/// Bytes of the first character of the text; 0 if it is invalid or a control character. Table 3-7 of the Unicode
/// standard.
size_t character_bytes(std::string_view x) {
  auto tail = [&x](size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return byte_at(x, i) >= low && byte_at(x, i) <= high;
  };
  auto lead = byte_at(x, 0);
  if (lead < 0x80)
    return lead >= 0x20 && lead != 0x7f ? 1 : 0;
  if (lead >= 0xc2 && lead <= 0xdf)
    return tail(1, lead == 0xc2 ? 0xa0 : 0x80) ? 2 : 0; // below are the control characters of ISO 6429
  if (lead >= 0xe0 && lead <= 0xef)
    return tail(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) && tail(2) ? 3 : 0;
  if (lead >= 0xf0 && lead <= 0xf4)
    return tail(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

std::optional<unsigned char> hex_digit(char x) {
  if (x >= '0' && x <= '9')
    return x - '0';
  auto c = std::tolower(static_cast<unsigned char>(x));
  return c >= 'a' && c <= 'f' ? std::optional<unsigned char>(c - 'a' + 10) : std::nullopt;
}

} // namespace

bool is_plain_text(std::string_view x) {
  while (!x.empty()) {
    auto n = character_bytes(x);
    if (n == 0)
      return false;
    x.remove_prefix(n);
  }
  return true;
}

std::string plain_text(std::string_view x) {
  std::string result;
  while (!x.empty()) {
    auto n = character_bytes(x);
    if (n == 0)
      result += '?';
    else
      result.append(x.substr(0, n));
    x.remove_prefix(std::max<size_t>(n, 1));
  }
  return result;
}

std::string to_path_text(const std::string& path) {
  if (!path.starts_with('/') || is_plain_text(path))
    return path;
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "/-._~";
  std::string result{scheme};
  for (auto x : path) {
    auto c = static_cast<unsigned char>(x);
    if (c < 0x80 && (std::isalnum(c) != 0 || plain.find(x) != std::string_view::npos))
      result += x;
    else
      result.append({'%', digits[c >> 4], digits[c & 15]});
  }
  return result;
}

std::optional<std::string> from_path_text(const std::string& text) {
  if (!text.starts_with(scheme))
    return text;
  auto rest = std::string_view{text}.substr(scheme.size());
  if (rest.starts_with("localhost/"))
    rest.remove_prefix(std::string_view{"localhost"}.size());
  if (!rest.starts_with('/'))
    return {};
  std::string result;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] != '%') {
      result += rest[i];
      continue;
    }
    auto high = i + 1 < rest.size() ? hex_digit(rest[i + 1]) : std::nullopt;
    auto low = i + 2 < rest.size() ? hex_digit(rest[i + 2]) : std::nullopt;
    if (!high || !low || (*high == 0 && *low == 0))
      return {};
    result += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return result;
}

} // namespace troupe::base
