#include "trust/certificate.hpp"

#include "base/sha256.hpp"
#include "trust/openssl.hpp"

#include <utility>
#include <vector>

namespace troupe::trust {

namespace {

using x509 = std::shared_ptr<X509>;
using private_key = std::shared_ptr<EVP_PKEY>;
using result = tl::expected<certificate, std::string>;

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

private_key new_key() {
  return {EVP_EC_gen("P-256"), EVP_PKEY_free};
}

} // namespace

result certificate::read_public(const std::string& chain) {
  certificate x;
  auto found = certificates_in(chain);
  if (found.empty())
    return failed("it holds no certificate in PEM, or a damaged one");
  x.parsed_ = found.front();
  x.begins_s_ = seconds_of(X509_get0_notBefore(x.parsed_.get()));
  x.ends_s_ = seconds_of(X509_get0_notAfter(x.parsed_.get()));
  for (auto& one : found)
    x.text_.chain += text_of(one.get());
  return x;
}

result certificate::read(const std::string& chain, const std::string& key) {
  auto x = read_public(chain);
  if (!x)
    return x;
  x->key_ = private_key{PEM_read_bio_PrivateKey(reader(key).get(), nullptr, no_password, nullptr), EVP_PKEY_free};
  if (!x->key_)
    return failed("it holds no private key in PEM that can be read without a password");
  if (X509_check_private_key(x->parsed_.get(), x->key_.get()) != 1)
    return failed("the private key does not belong to the certificate");
  x->text_.key = text_of(x->key_.get());
  return x;
}

bool certificate::is_for(const std::string& name) const {
  return X509_check_ip_asc(parsed_.get(), name.c_str(), 0) == 1
         || X509_check_host(parsed_.get(), name.data(), name.size(), 0, nullptr) == 1;
}

bool certificate::is_signed_by(const certificate& authority) const {
  auto good = X509_verify(parsed_.get(), X509_get0_pubkey(authority.parsed())) == 1;
  ERR_clear_error();
  return good;
}

std::string certificate::public_key_sha256() const {
  unsigned char* data = nullptr;
  auto size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(parsed_.get()), &data);
  if (size <= 0)
    return {};
  base::sha256 hash;
  hash.add(std::as_bytes(std::span{data, static_cast<size_t>(size)}));
  OPENSSL_free(data);
  return hash.digest();
}

std::string certificate::sealed_key(const std::string& password) const {
  return written([&](BIO* to) {
    return PEM_write_bio_PKCS8PrivateKey(to, key_.get(), EVP_aes_256_cbc(), password.data(),
                                         static_cast<int>(password.size()), nullptr, nullptr);
  });
}

result certificate::unseal(const std::string& chain, const std::string& sealed, const std::string& password) {
  auto give = [](char* to, int size, int, void* from) {
    auto& text = *static_cast<const std::string*>(from);
    if (text.size() > static_cast<size_t>(size))
      return -1;
    text.copy(to, text.size());
    return static_cast<int>(text.size());
  };
  auto* told = const_cast<std::string*>(&password); // `give` reads it
  private_key key{PEM_read_bio_PrivateKey(reader(sealed).get(), nullptr, give, told), EVP_PKEY_free};
  if (!key)
    return failed("the private key cannot be decrypted");
  return read(chain, text_of(key.get()));
}

result make_authority(const std::string& name, int64_t now_s, int64_t life_s) {
  auto key = new_key();
  x509 made{X509_new(), X509_free};
  if (!key || !made || !set_basics(made.get(), key.get(), now_s - core::clock_error_s, now_s + life_s)
      || !add_name(made.get(), "CN", name) || X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())) != 1
      || !add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
      || !add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign")
      || !add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash")
      || X509_sign(made.get(), key.get(), EVP_sha256()) == 0)
    return failed("cannot make an authority");
  return certificate::read(text_of(made.get()), text_of(key.get()));
}

result issue(const certificate& authority, std::span<const std::string> names, int64_t now_s, int64_t life_s) {
  auto key = new_key();
  auto* signer = authority.parsed();
  x509 made{X509_new(), X509_free};
  auto life = core::lifetime_of(now_s, life_s, authority.life());
  if (!key || !made || !set_basics(made.get(), key.get(), life.begins_s, life.ends_s)
      || !add_name(made.get(), "CN", "Troupe") || X509_set_issuer_name(made.get(), X509_get_subject_name(signer)) != 1
      || !add_extension(made.get(), signer, NID_basic_constraints, "critical,CA:FALSE")
      || !add_extension(made.get(), signer, NID_key_usage, "critical,digitalSignature")
      || !add_extension(made.get(), signer, NID_ext_key_usage, "serverAuth")
      || !add_extension(made.get(), signer, NID_subject_key_identifier, "hash")
      || !add_extension(made.get(), signer, NID_authority_key_identifier, "keyid:always")
      || !add_names(made.get(), names) || X509_sign(made.get(), authority.key(), EVP_sha256()) == 0)
    return failed("cannot make a certificate");
  return certificate::read(text_of(made.get()) + authority.text().chain, text_of(key.get()));
}

} // namespace troupe::trust
