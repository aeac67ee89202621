#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

namespace troupe::config {

namespace {

/// Bytes of the UTF-8 character at the front of `text`, 0 if it is invalid: overlong forms and surrogates are refused.
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
