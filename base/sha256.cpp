#include "base/sha256.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <new>

namespace troupe::base {

struct sha256::impl {
  struct closer {
    void operator()(EVP_MD_CTX* ptr) const noexcept {
      EVP_MD_CTX_free(ptr);
    }
  };

  std::unique_ptr<EVP_MD_CTX, closer> context{EVP_MD_CTX_new()};
};

sha256::sha256() : impl_{std::make_unique<impl>()} {
  if (!impl_->context || EVP_DigestInit_ex(impl_->context.get(), EVP_sha256(), nullptr) != 1)
    throw std::bad_alloc{};
}

sha256::sha256(sha256&&) noexcept = default;
sha256& sha256::operator=(sha256&&) noexcept = default;
sha256::~sha256() = default;

void sha256::add(std::span<const std::byte> bytes) {
  if (EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) != 1)
    throw std::bad_alloc{};
}

std::string sha256::digest() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes = {};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(impl_->context.get(), bytes.data(), &size) != 1)
    throw std::bad_alloc{};
  return to_hex({bytes.data(), size});
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes = {};
  unsigned size = 0;
  if (::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(), &size)
      == nullptr)
    throw std::bad_alloc{};
  return to_hex({bytes.data(), size});
}

std::string to_hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  result.reserve(bytes.size() * 2);
  for (auto x : bytes) {
    result += digits[x >> 4];
    result += digits[x & 15];
  }
  return result;
}

} // namespace troupe::base
