// Secrets as text: drawn at random, hashed, compared.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::base {

/// This many random bytes from the kernel, at most 256, as hexadecimal digits.
std::string random_digits(size_t bytes);

/// The SHA-256 of a text, as 64 lower-case hexadecimal digits.
std::string sha256_of(std::string_view text);

/// Takes equally long for a wrong text and the right one, if their lengths are equal.
bool same_secret(std::string_view a, std::string_view b) noexcept;

} // namespace troupe::base
