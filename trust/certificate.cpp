#include "trust/certificate.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>
#include <vector>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace troupe::trust {

namespace {

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
using x509 = std::shared_ptr<X509>;
using private_key = std::shared_ptr<EVP_PKEY>;
using result = tl::expected<certificate, std::string>;

constexpr int64_t clock_error_s = 3600;
constexpr long version_3 = 2; // counted from 0

tl::unexpected<std::string> failed(std::string_view what) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  ERR_clear_error();
  return tl::unexpected(std::string{what} + ": " + reason.data());
}

bio reader(const std::string& text) {
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
int no_password(char*, int, int, void*) {
  return -1;
}

/// All certificates in a text, the first one first. Empty if there is none, or one is damaged.
std::vector<x509> certificates_in(const std::string& text) {
  std::vector<x509> result;
  auto from = reader(text);
  for (;;) {
    x509 one{PEM_read_bio_X509(from.get(), nullptr, no_password, nullptr), X509_free};
    if (one) {
      result.push_back(std::move(one));
      continue;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
      return {};
    if (!result.empty())
      ERR_clear_error();
    return result;
  }
}

/// Unix time; 0 if it cannot be read.
int64_t seconds_of(const ASN1_TIME* x) {
  std::tm parts{};
  return ASN1_TIME_to_tm(x, &parts) == 1 ? timegm(&parts) : 0;
}

bool add_extension(X509* to, X509* authority, int id, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, authority, to, nullptr, nullptr, 0);
  owned<X509_EXTENSION, X509_EXTENSION_free> made{X509V3_EXT_conf_nid(nullptr, &context, id, value)};
  return made && X509_add_ext(to, made.get(), -1) == 1;
}

/// The names are set one by one: in a text, a comma in a name would begin another one.
bool add_names(X509* to, std::span<const std::string> names) {
  owned<GENERAL_NAMES, GENERAL_NAMES_free> list{sk_GENERAL_NAME_new_null()};
  for (auto& name : names) {
    owned<GENERAL_NAME, GENERAL_NAME_free> one{GENERAL_NAME_new()};
    if (!list || !one)
      return false;
    if (auto* address = a2i_IPADDRESS(name.c_str())) {
      GENERAL_NAME_set0_value(one.get(), GEN_IPADD, address);
    } else {
      auto* text = ASN1_IA5STRING_new();
      if (text == nullptr || ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) != 1) {
        ASN1_IA5STRING_free(text);
        return false;
      }
      GENERAL_NAME_set0_value(one.get(), GEN_DNS, text);
    }
    if (sk_GENERAL_NAME_push(list.get(), one.get()) == 0)
      return false;
    one.release();
  }
  return X509_add1_ext_i2d(to, NID_subject_alt_name, list.get(), 0, 0) == 1;
}

bool set_serial(X509* to) {
  constexpr int bits = 127; // positive, and of 16 bytes
  owned<BIGNUM, BN_free> number{BN_new()};
  return number && BN_rand(number.get(), bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1
         && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(to)) != nullptr;
}

bool set_basics(X509* to, EVP_PKEY* key, const std::string& name, int64_t begins_s, int64_t ends_s) {
  auto* subject = X509_get_subject_name(to);
  auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  return X509_set_version(to, version_3) == 1 && set_serial(to) && X509_set_pubkey(to, key) == 1
         && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, static_cast<int>(name.size()), -1, 0) == 1
         && ASN1_TIME_set(X509_getm_notBefore(to), begins_s) != nullptr
         && ASN1_TIME_set(X509_getm_notAfter(to), ends_s) != nullptr;
}

private_key new_key() {
  return {EVP_EC_gen("P-256"), EVP_PKEY_free};
}

std::string text_of(X509* x) {
  return written([x](BIO* to) { return PEM_write_bio_X509(to, x); });
}

std::string text_of(EVP_PKEY* x) {
  return written([x](BIO* to) { return PEM_write_bio_PKCS8PrivateKey(to, x, nullptr, nullptr, 0, nullptr, nullptr); });
}

} // namespace

result certificate::read(const std::string& chain, const std::string& key) {
  certificate x;
  auto found = certificates_in(chain);
  if (found.empty())
    return failed("it holds no certificate in PEM, or a damaged one");
  x.parsed_ = found.front();
  x.key_ = private_key{PEM_read_bio_PrivateKey(reader(key).get(), nullptr, no_password, nullptr), EVP_PKEY_free};
  if (!x.key_)
    return failed("it holds no private key in PEM that can be read without a password");
  if (X509_check_private_key(x.parsed_.get(), x.key_.get()) != 1)
    return failed("the private key does not belong to the certificate");
  x.begins_s_ = seconds_of(X509_get0_notBefore(x.parsed_.get()));
  x.ends_s_ = seconds_of(X509_get0_notAfter(x.parsed_.get()));
  for (auto& one : found)
    x.text_.chain += text_of(one.get());
  x.text_.key = text_of(x.key_.get());
  return x;
}

bool certificate::is_for(const std::string& name) const {
  return X509_check_ip_asc(parsed_.get(), name.c_str(), 0) == 1
         || X509_check_host(parsed_.get(), name.data(), name.size(), 0, nullptr) == 1;
}

bool certificate::is_signed_by(const certificate& authority) const {
  auto good = X509_verify(parsed_.get(), authority.key_.get()) == 1;
  ERR_clear_error();
  return good;
}

result make_authority(const std::string& name, int64_t now_s, int64_t life_s) {
  auto key = new_key();
  x509 made{X509_new(), X509_free};
  if (!key || !made || !set_basics(made.get(), key.get(), name, now_s - clock_error_s, now_s + life_s)
      || X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) != 1
      || !add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
      || !add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign")
      || !add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash")
      || X509_sign(made.get(), key.get(), EVP_sha256()) == 0)
    return failed("cannot make an authority");
  return certificate::read(text_of(made.get()), text_of(key.get()));
}

result issue(const certificate& authority, std::span<const std::string> names, int64_t now_s, int64_t life_s) {
  auto key = new_key();
  auto* signer = authority.parsed_.get();
  x509 made{X509_new(), X509_free};
  // A client trusts it no longer than the authority.
  auto begins_s = std::max(now_s - clock_error_s, authority.begins_s());
  auto ends_s = std::min(now_s + life_s, authority.ends_s());
  if (!key || !made || !set_basics(made.get(), key.get(), "Troupe", begins_s, ends_s)
      || X509_set_issuer_name(made.get(), X509_get_subject_name(signer)) != 1
      || !add_extension(made.get(), signer, NID_basic_constraints, "critical,CA:FALSE")
      || !add_extension(made.get(), signer, NID_key_usage, "critical,digitalSignature")
      || !add_extension(made.get(), signer, NID_ext_key_usage, "serverAuth")
      || !add_extension(made.get(), signer, NID_subject_key_identifier, "hash")
      || !add_extension(made.get(), signer, NID_authority_key_identifier, "keyid:always")
      || !add_names(made.get(), names) || X509_sign(made.get(), authority.key_.get(), EVP_sha256()) == 0)
    return failed("cannot make a certificate");
  return certificate::read(text_of(made.get()) + authority.text().chain, text_of(key.get()));
}

} // namespace troupe::trust
