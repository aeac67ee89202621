#include "core/trust/signed_text.hpp"

#include "base/secret.hpp"
#include "base/sha256.hpp"

#include <charconv>

namespace troupe::core {

namespace {

constexpr size_t signature_digits = 32;

} // namespace

std::string sign(std::string_view secret, std::string_view purpose, const signed_text& x, std::string_view about) {
  auto result = x.key + '.' + std::to_string(x.expires_s);
  // The zeros keep the parts apart.
  auto all = std::string{purpose} + '\0' + result + '\0' + std::string{about};
  return result + '.' + base::hmac_sha256(secret, all).substr(0, signature_digits);
}

std::optional<signed_text> read_signed(std::string_view secret, std::string_view purpose, std::string_view text,
                                       std::string_view about) {
  auto first = text.find('.');
  auto second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos)
    return {};
  signed_text result{std::string{text.substr(0, first)}, 0};
  auto digits = text.substr(first + 1, second - first - 1);
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), result.expires_s);
  if (failed != std::errc{} || end != digits.data() + digits.size()
      || !base::same_secret(text, sign(secret, purpose, result, about)))
    return {};
  return result;
}

} // namespace troupe::core
