// Text from outside, judged character by character: which bytes are UTF-8 (RFC 3629), and which characters are harmless
// to show.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::base {

struct character {
  enum class kind : uint8_t {
    plain,
    control,   ///< of ASCII or ISO 6429: U+0000 to U+001F and U+007F to U+009F
    ill_formed ///< a byte that belongs to no character
  };

  kind what;
  std::string_view bytes; ///< 1 to 4
};

/// Takes the first character off a text that is not empty.
character take_character(std::string_view& text);

/// True if the text is UTF-8.
bool is_utf8(std::string_view text);

/// True if the text is UTF-8 without control characters.
bool is_plain_text(std::string_view text);

/// The text with '?' for each byte that is not UTF-8.
std::string to_utf8(std::string_view text);

/// The text with '?' for each control character and each byte that is not UTF-8.
std::string plain_text(std::string_view text);

/// The beginning of a text: at most `bytes_max`, and no part of a character at the end.
std::string_view cut(std::string_view text, size_t bytes_max);

} // namespace troupe::base
