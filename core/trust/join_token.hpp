// Join tokens: the text with which a new machine becomes a node of the cluster.
//
// A token names the cluster's authority by a digest of its public key, so that the new machine knows the coordinator
// before it says anything secret. It has an id and a secret of 160 bits. The coordinator keeps only the secret's hash.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace troupe::core {

/// "TROUPE1-AUTHORITY-ID-SECRET". The parts are of upper-case letters and the digits 2 to 7 (base 32, RFC 4648), which
/// keeps a picture code small.
struct join_text {
  std::string authority; ///< SHA-256 of the authority's public key
  std::string id;
  std::string secret;

  bool operator==(const join_text&) const = default;
};

/// The random bytes that a new token needs.
inline constexpr size_t join_random_bytes = 25;

/// No token is longer.
inline constexpr size_t join_text_bytes_max = 256;

/// A token made of an authority's digest, and of two hexadecimal digits for each random byte.
join_text join_text_of(std::string_view authority_sha256, std::string_view random_digits);

std::string to_string(const join_text& x);

/// The error says what is wrong, and does not repeat the text.
tl::expected<join_text, std::string> read_join_text(std::string_view text);

/// True if the token is for the cluster whose authority has a public key of this SHA-256, in hexadecimal digits.
bool is_for(const join_text& x, std::string_view authority_sha256);

} // namespace troupe::core
