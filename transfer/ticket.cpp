#include "transfer/ticket.hpp"

#include "base/sha256.hpp"

namespace troupe::transfer {

std::string ticket_of(std::string_view secret, std::string_view purpose, std::string_view id) {
  // The zero keeps "ab" + "c" and "a" + "bc" apart.
  return base::hmac_sha256(secret, std::string{purpose} + '\0' + std::string{id});
}

} // namespace troupe::transfer
