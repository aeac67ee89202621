#include "base/path_text.hpp"

#include "base/utf8.hpp"

#include <cctype>

namespace troupe::base {

namespace {

constexpr std::string_view scheme = "file://";

std::optional<unsigned char> hex_digit(char x) {
  if (x >= '0' && x <= '9')
    return x - '0';
  auto c = std::tolower(static_cast<unsigned char>(x));
  return c >= 'a' && c <= 'f' ? std::optional<unsigned char>(c - 'a' + 10) : std::nullopt;
}

} // namespace

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
