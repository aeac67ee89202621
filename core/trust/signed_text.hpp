// Texts that we sign and clients bring back: a browser's session, and the token in a player's address. Each names a key
// and the time when it expires, so nothing needs to be kept about it, and a revoked key ends it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::core {

struct signed_text {
  std::string key;       ///< the id of the key that it stands for
  int64_t expires_s = 0; ///< Unix time
};

/// "KEY.EXPIRY.SIGNATURE", of letters, digits and dots: HMAC-SHA256 of all that it says under `secret`, cut to 128 bits.
/// `purpose` keeps apart what is signed for different uses. `about` is signed too, but is not in the text: whoever
/// reads it must know it.
std::string sign(std::string_view secret, std::string_view purpose, const signed_text& x, std::string_view about);

/// Empty if the text was not signed with the same secret, purpose and `about`. Does not look at the time.
std::optional<signed_text> read_signed(std::string_view secret, std::string_view purpose, std::string_view text,
                                       std::string_view about);

} // namespace troupe::core
