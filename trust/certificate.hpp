// Certificates (X.509) and their private keys: read, checked and made. They are kept as PEM text.
//
// A cluster has an authority of its own, which signs the certificates of its servers. Keys are of the curve P-256.
#pragma once

#include "core/trust/membership.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <openssl/types.h>
#include <tl/expected.hpp>

namespace troupe::trust {

struct certificate_text {
  std::string chain; ///< the certificate, then those that lead to its authority
  std::string key;   ///< secret
};

class certificate {
public:
  /// Both may be the same text. The error says what is wrong with them, also if the key belongs to another certificate.
  static tl::expected<certificate, std::string> read(const std::string& chain, const std::string& key);

  /// Reads a certificate of another party, without a private key.
  static tl::expected<certificate, std::string> read_public(const std::string& chain);

  const certificate_text& text() const noexcept {
    return text_;
  }

  /// The certificate and its key in one text.
  std::string whole() const {
    return text_.key + text_.chain;
  }

  /// Reads a certificate whose key was encrypted by `sealed_key`.
  static tl::expected<certificate, std::string> unseal(const std::string& chain, const std::string& sealed,
                                                       const std::string& password);

  /// The private key in PEM, encrypted with a password.
  std::string sealed_key(const std::string& password) const;

  /// SHA-256 of the public key (SubjectPublicKeyInfo, RFC 5280), in hexadecimal digits.
  std::string public_key_sha256() const;

  /// Unix time.
  int64_t begins_s() const noexcept {
    return begins_s_;
  }

  int64_t ends_s() const noexcept {
    return ends_s_;
  }

  core::lifetime life() const noexcept {
    return {begins_s_, ends_s_};
  }

  /// For OpenSSL.
  X509* parsed() const noexcept {
    return parsed_.get();
  }

  /// Null if only the public part was read.
  EVP_PKEY* key() const noexcept {
    return key_.get();
  }

  /// True if it proves this host name or address.
  bool is_for(const std::string& name) const;

  bool is_signed_by(const certificate& authority) const;

private:
  certificate() = default;

  certificate_text text_;
  std::shared_ptr<X509> parsed_;
  std::shared_ptr<EVP_PKEY> key_;
  int64_t begins_s_ = 0;
  int64_t ends_s_ = 0;
};

/// A new authority for `life_s` seconds from `now_s`, Unix time. Certificates begin one hour earlier, for clients whose
/// clock is slow.
tl::expected<certificate, std::string> make_authority(const std::string& name, int64_t now_s, int64_t life_s);

/// A certificate for a server that is reached by these host names and addresses, signed by the authority, with a key of
/// its own.
tl::expected<certificate, std::string> issue(const certificate& authority, std::span<const std::string> names,
                                             int64_t now_s, int64_t life_s);

} // namespace troupe::trust
