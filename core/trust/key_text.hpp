// The text of an API key: "trp_", 12 digits that name the key, 40 secret ones (160 bits), and a checksum of 8 (CRC-32).
// All digits are hexadecimal. Scanners of source code find such a text by its prefix and its checksum, and a mistyped
// key is known as such without a look at any list.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::core {

inline constexpr size_t key_id_digits = 12;

/// The random bytes that `key_text` needs, and their digits.
inline constexpr size_t key_random_bytes = 26;
inline constexpr size_t key_text_size = 4 + 2 * key_random_bytes + 8;

/// The key made of `digits`: two hexadecimal digits for each random byte.
std::string key_text(std::string_view digits);

/// The id in a key; empty if the text is no key.
std::optional<std::string> key_id_of(std::string_view text);

} // namespace troupe::core
