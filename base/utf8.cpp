#include "base/utf8.hpp"

#include <utf8.h>

#include <algorithm>
#include <bit>

namespace troupe::base {

namespace {

using enum character::kind;

bool is_continuation(char x) {
  return (x & 0xc0) == 0x80;
}

/// `text` with '?' in place of ill-formed bytes and, if `hides_controls` is set, of control characters.
std::string shown(std::string_view text, bool hides_controls) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    auto x = take_character(text);
    result += x.what == ill_formed || (x.what == control && hides_controls) ? "?" : x.bytes;
  }
  return result;
}

} // namespace

character take_character(std::string_view& text) {
  auto lead = static_cast<unsigned char>(text.front());
  // As many bytes as the first one announces. A continuation byte announces one byte, which is not UTF-8.
  auto bytes = text.substr(0, lead < 0x80 ? 1 : static_cast<size_t>(std::countl_one(lead)));
  auto what = plain;
  if (!is_utf8(bytes)) {
    what = ill_formed;
    bytes = bytes.substr(0, 1);
  } else if (lead < 0x20 || lead == 0x7f || (lead == 0xc2 && static_cast<unsigned char>(bytes[1]) < 0xa0)) {
    what = control;
  }
  text.remove_prefix(bytes.size());
  return {what, bytes};
}

bool is_utf8(std::string_view text) {
  // Nearly all text is ASCII, and the library looks at each byte more closely.
  auto* beyond_ascii = std::find_if(text.begin(), text.end(), [](char x) { return (x & 0x80) != 0; });
  return utf8::is_valid(beyond_ascii, text.end());
}

bool is_plain_text(std::string_view text) {
  while (!text.empty())
    if (take_character(text).what != plain)
      return false;
  return true;
}

std::string to_utf8(std::string_view text) {
  return shown(text, false);
}

std::string plain_text(std::string_view text) {
  return shown(text, true);
}

std::string_view cut(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  while (bytes_max > 0 && is_continuation(text[bytes_max]))
    --bytes_max;
  return text.substr(0, bytes_max);
}

} // namespace troupe::base
