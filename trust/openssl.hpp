// What the sources of this folder share when they call OpenSSL: owners, texts in PEM, reasons. Only they include it.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <tl/expected.hpp>

namespace troupe::trust {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* x) const noexcept {
    Free(x);
  }
};

template <class T, auto Free>
using owned = std::unique_ptr<T, freed_by<Free>>;

using bio = owned<BIO, BIO_free>;

/// The reason of OpenSSL's first error. Empties its list.
inline tl::unexpected<std::string> failed(std::string_view what) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  ERR_clear_error();
  return tl::unexpected(std::string{what} + ": " + reason.data());
}

inline bio reader(std::string_view text) {
  return bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

/// What `write` writes.
template <class Write>
std::string written(Write write) {
  bio to{BIO_new(BIO_s_mem())};
  if (!to || write(to.get()) != 1)
    return {};
  char* data = nullptr;
  auto size = BIO_get_mem_data(to.get(), &data);
  return {data, static_cast<size_t>(size)};
}

/// OpenSSL would ask for a password at the terminal.
inline int no_password(char*, int, int, void*) {
  return -1;
}

inline std::string text_of(const X509* x) {
  return written([x](BIO* to) { return PEM_write_bio_X509(to, x); });
}

inline std::string text_of(const EVP_PKEY* x) {
  return written([x](BIO* to) { return PEM_write_bio_PKCS8PrivateKey(to, x, nullptr, nullptr, 0, nullptr, nullptr); });
}

/// Unix time; 0 if it cannot be read.
inline int64_t seconds_of(const ASN1_TIME* x) {
  std::tm parts{};
  return ASN1_TIME_to_tm(x, &parts) == 1 ? timegm(&parts) : 0;
}

inline bool add_extension(X509* to, X509* authority, int id, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, authority, to, nullptr, nullptr, 0);
  owned<X509_EXTENSION, X509_EXTENSION_free> made{X509V3_EXT_conf_nid(nullptr, &context, id, value)};
  return made && X509_add_ext(to, made.get(), -1) == 1;
}

inline bool add_name(X509* to, const char* field, std::string_view value) {
  auto* text = reinterpret_cast<const unsigned char*>(value.data());
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(to), field, MBSTRING_UTF8, text,
                                    static_cast<int>(value.size()), -1, 0)
         == 1;
}

/// Version, a random serial number, key and life. Unix times.
inline bool set_basics(X509* to, EVP_PKEY* key, int64_t begins_s, int64_t ends_s) {
  constexpr long version_3 = 2; // counted from 0
  constexpr int bits = 127;     // positive, and of 16 bytes
  owned<BIGNUM, BN_free> number{BN_new()};
  return X509_set_version(to, version_3) == 1 && number
         && BN_rand(number.get(), bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1
         && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(to)) != nullptr && X509_set_pubkey(to, key) == 1
         && ASN1_TIME_set(X509_getm_notBefore(to), begins_s) != nullptr
         && ASN1_TIME_set(X509_getm_notAfter(to), ends_s) != nullptr;
}

} // namespace troupe::trust
