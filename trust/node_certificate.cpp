#include "trust/node_certificate.hpp"

#include "base/sha256.hpp"
#include "trust/openssl.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace troupe::trust {

namespace {

using request = owned<X509_REQ, X509_REQ_free>;
using number = owned<BIGNUM, BN_free>;
using digest = owned<EVP_MD_CTX, EVP_MD_CTX_free>;

constexpr const char* curve = "P-256";
constexpr const char* curve_in_keys = "prime256v1"; // the same curve, as keys name it
constexpr std::string_view organization = "Troupe";

request read_request(const std::string& text) {
  request result{PEM_read_bio_X509_REQ(reader(text).get(), nullptr, no_password, nullptr)};
  ERR_clear_error();
  return result;
}

bool has_usual_key(EVP_PKEY* x) {
  char group[64] = {};
  size_t size = 0;
  return x != nullptr && EVP_PKEY_get_group_name(x, group, sizeof group, &size) == 1
         && std::string_view{group, size} == curve_in_keys;
}

core::request_facts facts_of(const std::string& text, const request& parsed) {
  core::request_facts result;
  result.bytes = text.size();
  result.readable = static_cast<bool>(parsed);
  if (!parsed)
    return result;
  auto* key = X509_REQ_get0_pubkey(parsed.get());
  result.has_usual_key = has_usual_key(key);
  result.signed_by_its_key = key != nullptr && X509_REQ_verify(parsed.get(), key) == 1;
  ERR_clear_error();
  return result;
}

/// The first such field of the subject.
std::string field_of(const X509* x, int id) {
  auto* subject = X509_get_subject_name(x);
  auto at = X509_NAME_get_index_by_NID(subject, id, -1);
  if (at < 0)
    return {};
  auto* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)), static_cast<size_t>(ASN1_STRING_length(value))};
}

std::string serial_of(const X509* x) {
  number value{ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), nullptr)};
  auto* text = value ? BN_bn2hex(value.get()) : nullptr;
  std::string result = text == nullptr ? "" : text;
  OPENSSL_free(text);
  return result;
}

std::vector<unsigned char> bytes_of(std::string_view digits) {
  auto value = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  if (digits.size() % 2 != 0 || std::ranges::any_of(digits, [&](char c) { return value(c) < 0; }))
    return {};
  std::vector<unsigned char> result;
  for (size_t i = 0; i < digits.size(); i += 2)
    result.push_back(static_cast<unsigned char>(value(digits[i]) * 16 + value(digits[i + 1])));
  return result;
}

bool add_revocation(X509_CRL* to, const revocation& x) {
  owned<X509_REVOKED, X509_REVOKED_free> entry{X509_REVOKED_new()};
  BIGNUM* read = nullptr;
  if (!entry || BN_hex2bn(&read, x.serial.c_str()) == 0)
    return false;
  number value{read};
  owned<ASN1_INTEGER, ASN1_INTEGER_free> serial{BN_to_ASN1_INTEGER(value.get(), nullptr)};
  owned<ASN1_TIME, ASN1_TIME_free> at{ASN1_TIME_set(nullptr, x.at_s)};
  if (!serial || !at || X509_REVOKED_set_serialNumber(entry.get(), serial.get()) != 1
      || X509_REVOKED_set_revocationDate(entry.get(), at.get()) != 1 || X509_CRL_add0_revoked(to, entry.get()) != 1)
    return false;
  entry.release();
  return true;
}

} // namespace

tl::expected<certificate_request, std::string> make_request() {
  std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>> key{EVP_EC_gen(curve)};
  request made{X509_REQ_new()};
  if (!key || !made || X509_REQ_set_pubkey(made.get(), key.get()) != 1
      || X509_REQ_sign(made.get(), key.get(), EVP_sha256()) == 0)
    return failed("cannot make a request for a certificate");
  return certificate_request{written([&](BIO* to) { return PEM_write_bio_X509_REQ(to, made.get()); }),
                             text_of(key.get())};
}

tl::expected<signed_certificate, std::string> sign_request(const certificate& authority, const std::string& text,
                                                           const node_order& order) {
  auto asked = text.size() <= core::request_bytes_max ? read_request(text) : request{};
  if (auto fault = core::request_fault(facts_of(text, asked)); !fault.empty())
    return tl::unexpected(std::move(fault));
  auto life = core::lifetime_of(order.now_s, order.life_s, authority.life());
  auto is_worker = order.role == core::node_role::worker;
  auto* signer = authority.parsed();
  owned<X509, X509_free> made{X509_new()};
  if (!made || !set_basics(made.get(), X509_REQ_get0_pubkey(asked.get()), life.begins_s, life.ends_s)
      || !add_name(made.get(), "O", organization) || !add_name(made.get(), "OU", core::to_string(order.role))
      || !add_name(made.get(), "CN", order.name) || X509_set_issuer_name(made.get(), X509_get_subject_name(signer)) != 1
      || !add_extension(made.get(), signer, NID_basic_constraints, "critical,CA:FALSE")
      || !add_extension(made.get(), signer, NID_key_usage, "critical,digitalSignature")
      || !add_extension(made.get(), signer, NID_ext_key_usage, is_worker ? "clientAuth" : "serverAuth")
      || !add_extension(made.get(), signer, NID_subject_key_identifier, "hash")
      || !add_extension(made.get(), signer, NID_authority_key_identifier, "keyid:always")
      || X509_sign(made.get(), authority.key(), EVP_sha256()) == 0)
    return failed("cannot sign a node's certificate");
  auto chain = text_of(made.get()) + authority.text().chain;
  auto read = certificate::read_public(chain);
  if (!read)
    return tl::unexpected(std::move(read.error()));
  return signed_certificate{std::move(chain), identity_of(*read)};
}

node_identity identity_of(const certificate& x) {
  return {field_of(x.parsed(), NID_commonName), field_of(x.parsed(), NID_organizationalUnitName), serial_of(x.parsed()),
          x.life()};
}

std::string sign_text(const certificate& by, std::string_view text) {
  digest context{EVP_MD_CTX_new()};
  auto* data = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, by.key()) != 1
      || EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) != 1)
    return {};
  std::vector<unsigned char> result(size);
  if (EVP_DigestSign(context.get(), result.data(), &size, data, text.size()) != 1)
    return {};
  return base::to_hex({result.data(), size});
}

bool is_signature(const certificate& of, std::string_view text, std::string_view digits) {
  auto signature = bytes_of(digits);
  digest context{EVP_MD_CTX_new()};
  auto good = !signature.empty() && context
              && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, X509_get0_pubkey(of.parsed())) == 1
              && EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                  reinterpret_cast<const unsigned char*>(text.data()), text.size())
                   == 1;
  ERR_clear_error();
  return good;
}

tl::expected<std::string, std::string> sign_revocations(const certificate& authority, std::span<const revocation> all,
                                                        int64_t now_s, int64_t life_s) {
  constexpr long version_2 = 1; // counted from 0
  owned<X509_CRL, X509_CRL_free> made{X509_CRL_new()};
  owned<ASN1_TIME, ASN1_TIME_free> begins{ASN1_TIME_set(nullptr, now_s - core::clock_error_s)};
  owned<ASN1_TIME, ASN1_TIME_free> ends{ASN1_TIME_set(nullptr, now_s + life_s)};
  owned<ASN1_INTEGER, ASN1_INTEGER_free> count{ASN1_INTEGER_new()};
  if (!made || !begins || !ends || !count || X509_CRL_set_version(made.get(), version_2) != 1
      || X509_CRL_set_issuer_name(made.get(), X509_get_subject_name(authority.parsed())) != 1
      || X509_CRL_set1_lastUpdate(made.get(), begins.get()) != 1
      || X509_CRL_set1_nextUpdate(made.get(), ends.get()) != 1 || ASN1_INTEGER_set_int64(count.get(), now_s) != 1
      || X509_CRL_add1_ext_i2d(made.get(), NID_crl_number, count.get(), 0, 0) != 1)
    return failed("cannot make the list of revoked certificates");
  for (auto& x : all)
    if (!add_revocation(made.get(), x))
      return failed("cannot revoke the certificate " + x.serial);
  if (X509_CRL_sort(made.get()) != 1 || X509_CRL_sign(made.get(), authority.key(), EVP_sha256()) == 0)
    return failed("cannot sign the list of revoked certificates");
  return written([&](BIO* to) { return PEM_write_bio_X509_CRL(to, made.get()); });
}

} // namespace troupe::trust
