#include "base/secret.hpp"

#include "base/sha256.hpp"

#include <openssl/crypto.h>
#include <sys/random.h>

#include <span>
#include <vector>

namespace troupe::base {

std::string random_digits(size_t bytes) {
  std::vector<unsigned char> drawn(bytes);
  // The kernel gives up to 256 bytes whole; a signal may come before it has any at all.
  while (::getrandom(drawn.data(), bytes, 0) != static_cast<ssize_t>(bytes))
    continue;
  return to_hex(drawn);
}

std::string sha256_of(std::string_view text) {
  sha256 hash;
  hash.add(std::as_bytes(std::span{text}));
  return hash.digest();
}

bool same_secret(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void secret_text::wipe() noexcept {
  ::OPENSSL_cleanse(text_.data(), text_.size());
  text_.clear();
}

} // namespace troupe::base
