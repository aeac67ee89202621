#include "transfer/ticket.hpp"

#include "files/sha256.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <new>

namespace troupe::transfer {

std::string ticket_of(std::string_view secret, std::string_view purpose, std::string_view id) {
  // The zero keeps "ab" + "c" and "a" + "bc" apart.
  auto text = std::string{purpose} + '\0' + std::string{id};
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes = {};
  unsigned size = 0;
  if (::HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(), &size)
      == nullptr)
    throw std::bad_alloc{};
  return files::to_hex({bytes.data(), size});
}

bool same_ticket(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace troupe::transfer
