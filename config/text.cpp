#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

namespace troupe::config {

namespace {

/// Bytes of the UTF-8 character at the front of `text`, 0 where there is none: overlong forms and surrogates are
/// refused.
size_t character_length(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80)
    return 1;
  const size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                        : (first & 0xF0) == 0xE0         ? 3
                        : first >= 0xF0 && first <= 0xF4 ? 4
                                                         : 0;
  if (length == 0 || text.size() < length)
    return 0;
  uint32_t code = first & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
    code = (code << 6) | (byte(i) & 0x3FU);
  }
  constexpr std::array<uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  return code < least[length] || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF ? 0 : length;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool names_a_credential(std::string_view parameter) {
  std::string lower;
  for (char c : parameter)
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  constexpr std::array<std::string_view, 8> telling{"token", "key", "secret",     "pass",
                                                    "auth",  "sig", "credential", "pwd"};
  return std::ranges::any_of(telling, [&lower](auto part) { return lower.find(part) != std::string::npos; });
}

std::string mask_query(std::string_view query) {
  std::string result;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto parameter = query.substr(0, end);
    const auto equals = parameter.find('=');
    if (equals != std::string_view::npos && names_a_credential(parameter.substr(0, equals)))
      result.append(parameter.substr(0, equals)).append("=***");
    else
      result.append(parameter);
    if (end < query.size())
      result += '&';
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return result;
}

} // namespace

std::string quote(std::string_view text) {
  constexpr size_t shown_bytes_max = 80;
  std::string result = "\"";
  for (size_t i = 0; i < text.size();) {
    if (i >= shown_bytes_max)
      return result + "...\" (" + std::to_string(text.size()) + " bytes)";
    const auto length = character_length(text.substr(i));
    if (length == 0 || is_control(text[i]))
      result += '?';
    else
      result.append(text.substr(i, length));
    i += std::max<size_t>(length, 1);
  }
  return result + '"';
}

std::string mask_url(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos)
    return std::string{url};
  std::string result{url.substr(0, scheme + 3)};
  auto rest = url.substr(scheme + 3);
  const auto authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  // The last @ counts: an unescaped one in a password must not let its end through.
  if (const auto at = rest.substr(0, authority_end).rfind('@'); at != std::string_view::npos) {
    result += "***";
    rest.remove_prefix(at);
  }
  const auto question = rest.find('?');
  if (question == std::string_view::npos)
    return result.append(rest);
  return result.append(rest.substr(0, question + 1)) + mask_query(rest.substr(question + 1));
}

bool is_clean_text(std::string_view text, bool lines) {
  for (size_t i = 0; i < text.size();) {
    const auto length = character_length(text.substr(i));
    const auto c = text[i];
    if (length == 0 || (is_control(c) && !(lines && (c == '\n' || c == '\r' || c == '\t'))))
      return false;
    i += length;
  }
  return true;
}

} // namespace troupe::config
