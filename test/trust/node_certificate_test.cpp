// Certificates of nodes, checked by OpenSSL as a TLS peer checks them: what they serve for, when, and what a request
// cannot ask for.
#include "trust/node_certificate.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <vector>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

using namespace troupe;
using namespace troupe::trust;

namespace node_certificate_test {
namespace {

constexpr int64_t now_s = 1'700'000'000;
constexpr int64_t day_s = 24 * 3600;

template <class T>
using held = std::unique_ptr<T, void (*)(T*)>;

held<BIO> reader_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), [](BIO* x) { BIO_free(x); }};
}

std::string written_by(int (*write)(BIO*, const X509_REQ*), const X509_REQ* x) {
  held<BIO> to{BIO_new(BIO_s_mem()), [](BIO* b) { BIO_free(b); }};
  BOOST_REQUIRE(write(to.get(), x) == 1);
  char* data = nullptr;
  auto size = BIO_get_mem_data(to.get(), &data);
  return {data, static_cast<size_t>(size)};
}

struct fixture {
  signed_certificate sign(core::node_role role, int64_t life_s = 30 * day_s) {
    auto request = make_request().value();
    auto result = sign_request(authority, request.text, {"w1", role, now_s, life_s});
    BOOST_REQUIRE_MESSAGE(result.has_value(), result.error());
    BOOST_TEST(certificate::read(result->chain, request.key).has_value());
    return std::move(*result);
  }

  /// OpenSSL's reason against the certificate for this purpose; X509_V_OK if there is none.
  int verify(const std::string& chain, int purpose, int64_t at_s = now_s, const std::string& revocations = {}) {
    held<X509_STORE> store{X509_STORE_new(), X509_STORE_free};
    held<X509_STORE_CTX> context{X509_STORE_CTX_new(), X509_STORE_CTX_free};
    auto leaf = certificate::read_public(chain).value();
    X509_STORE_add_cert(store.get(), authority.parsed());
    if (!revocations.empty()) {
      held<X509_CRL> list{PEM_read_bio_X509_CRL(reader_of(revocations).get(), nullptr, nullptr, nullptr),
                          X509_CRL_free};
      BOOST_REQUIRE(list);
      X509_STORE_add_crl(store.get(), list.get());
      X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK);
    }
    BOOST_REQUIRE(X509_STORE_CTX_init(context.get(), store.get(), leaf.parsed(), nullptr) == 1);
    X509_STORE_CTX_set_purpose(context.get(), purpose);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), at_s);
    X509_verify_cert(context.get());
    return X509_STORE_CTX_get_error(context.get());
  }

  certificate authority = make_authority("A cluster", now_s, 3650 * day_s).value();
};

} // namespace
} // namespace node_certificate_test

BOOST_FIXTURE_TEST_SUITE(node_certificate_test, fixture)

BOOST_AUTO_TEST_CASE(a_certificate_serves_only_for_its_role) {
  auto worker = sign(core::node_role::worker);
  BOOST_TEST(verify(worker.chain, X509_PURPOSE_SSL_CLIENT) == X509_V_OK);
  BOOST_TEST(verify(worker.chain, X509_PURPOSE_SSL_SERVER) == X509_V_ERR_INVALID_PURPOSE);
  auto coordinator = sign(core::node_role::coordinator);
  BOOST_TEST(verify(coordinator.chain, X509_PURPOSE_SSL_CLIENT) == X509_V_ERR_INVALID_PURPOSE);
  BOOST_TEST(verify(coordinator.chain, X509_PURPOSE_SSL_SERVER) == X509_V_OK);
  BOOST_TEST(worker.who.name == "w1");
  BOOST_TEST(worker.who.role == "worker");
  BOOST_TEST(coordinator.who.role == "coordinator");
  BOOST_TEST(worker.who.serial != coordinator.who.serial);
  BOOST_TEST(worker.who.serial.size() >= 30u);
}

BOOST_AUTO_TEST_CASE(a_certificate_begins_early_and_expires) {
  auto x = sign(core::node_role::worker);
  BOOST_TEST((x.who.life == core::lifetime{now_s - 3600, now_s + 30 * day_s}));
  BOOST_TEST(verify(x.chain, X509_PURPOSE_SSL_CLIENT, now_s - 3599) == X509_V_OK);
  BOOST_TEST(verify(x.chain, X509_PURPOSE_SSL_CLIENT, now_s - 3601) == X509_V_ERR_CERT_NOT_YET_VALID);
  BOOST_TEST(verify(x.chain, X509_PURPOSE_SSL_CLIENT, now_s + 30 * day_s + 1) == X509_V_ERR_CERT_HAS_EXPIRED);
}

BOOST_AUTO_TEST_CASE(another_authoritys_certificate_counts_nothing) {
  auto another = make_authority("A cluster", now_s, 3650 * day_s).value();
  auto request = make_request().value();
  auto x = sign_request(another, request.text, {"w1", core::node_role::worker, now_s, day_s}).value();
  BOOST_TEST(verify(x.chain, X509_PURPOSE_SSL_CLIENT) != X509_V_OK);
  BOOST_TEST(!certificate::read_public(x.chain)->is_signed_by(authority));
  BOOST_TEST(another.public_key_sha256() != authority.public_key_sha256());
}

BOOST_AUTO_TEST_CASE(names_and_purposes_in_a_request_are_not_taken_over) {
  auto own = make_authority("k", now_s, day_s).value();
  held<X509_REQ> asked{X509_REQ_new(), X509_REQ_free};
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(asked.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("the coordinator"), -1, -1, 0);
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(asked.get()), "OU", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("coordinator"), -1, -1, 0);
  X509V3_CTX context{};
  X509V3_set_ctx_nodb(&context);
  auto* wishes = sk_X509_EXTENSION_new_null();
  for (auto& [id, value] : std::vector<std::pair<int, const char*>>{{NID_ext_key_usage, "serverAuth"},
                                                                    {NID_basic_constraints, "CA:TRUE"},
                                                                    {NID_subject_alt_name, "DNS:localhost"}})
    sk_X509_EXTENSION_push(wishes, X509V3_EXT_conf_nid(nullptr, &context, id, value));
  X509_REQ_add_extensions(asked.get(), wishes);
  sk_X509_EXTENSION_pop_free(wishes, X509_EXTENSION_free);
  X509_REQ_set_pubkey(asked.get(), own.key());
  BOOST_REQUIRE(X509_REQ_sign(asked.get(), own.key(), EVP_sha256()) != 0);
  auto x = sign_request(authority, written_by(PEM_write_bio_X509_REQ, asked.get()),
                        {"w1", core::node_role::worker, now_s, day_s});
  BOOST_REQUIRE_MESSAGE(x.has_value(), x.error());
  BOOST_TEST(x->who.name == "w1");
  BOOST_TEST(x->who.role == "worker");
  BOOST_TEST(verify(x->chain, X509_PURPOSE_SSL_SERVER) == X509_V_ERR_INVALID_PURPOSE);
  auto read = certificate::read_public(x->chain).value();
  BOOST_TEST(X509_check_ca(read.parsed()) == 0);
  BOOST_TEST(!read.is_for("localhost"));
}

BOOST_AUTO_TEST_CASE(a_request_that_is_damaged_foreign_or_unsigned_gets_nothing) {
  auto refused = [&](const std::string& text, const std::string& why) {
    auto x = sign_request(authority, text, {"w1", core::node_role::worker, now_s, day_s});
    BOOST_REQUIRE(!x.has_value());
    BOOST_TEST(x.error().find(why) != std::string::npos, x.error());
  };
  auto good = make_request().value().text;
  refused("", "no request");
  refused("nonsense", "no request");
  refused(good.substr(0, good.size() / 2), "no request");
  refused(std::string(5000, 'A'), "longer than");
  refused(authority.text().chain, "no request");
  // Signed by another key than the one that it is for.
  auto one = make_authority("k", now_s, day_s).value();
  auto two = make_authority("k", now_s, day_s).value();
  held<X509_REQ> asked{X509_REQ_new(), X509_REQ_free};
  X509_REQ_set_pubkey(asked.get(), one.key());
  X509_REQ_sign(asked.get(), two.key(), EVP_sha256());
  refused(written_by(PEM_write_bio_X509_REQ, asked.get()), "not signed by its own key");
  held<EVP_PKEY> large{EVP_EC_gen("P-384"), EVP_PKEY_free};
  X509_REQ_set_pubkey(asked.get(), large.get());
  X509_REQ_sign(asked.get(), large.get(), EVP_sha256());
  refused(written_by(PEM_write_bio_X509_REQ, asked.get()), "P-256");
}

BOOST_AUTO_TEST_CASE(revoked_certificates_are_refused_and_a_list_that_has_ended_refuses_all) {
  auto good = sign(core::node_role::worker);
  auto bad = sign(core::node_role::worker);
  std::vector<revocation> all{{bad.who.serial, now_s}};
  auto list = sign_revocations(authority, all, now_s, 7 * day_s).value();
  BOOST_TEST(verify(good.chain, X509_PURPOSE_SSL_CLIENT, now_s, list) == X509_V_OK);
  BOOST_TEST(verify(bad.chain, X509_PURPOSE_SSL_CLIENT, now_s, list) == X509_V_ERR_CERT_REVOKED);
  BOOST_TEST(verify(good.chain, X509_PURPOSE_SSL_CLIENT, now_s + 8 * day_s, list) == X509_V_ERR_CRL_HAS_EXPIRED);
  auto none = sign_revocations(authority, {}, now_s, 7 * day_s).value();
  BOOST_TEST(verify(bad.chain, X509_PURPOSE_SSL_CLIENT, now_s, none) == X509_V_OK);
}

BOOST_AUTO_TEST_CASE(only_the_certificates_key_makes_its_signature) {
  auto request = make_request().value();
  auto signed_ = sign_request(authority, request.text, {"w1", core::node_role::worker, now_s, day_s}).value();
  auto own = certificate::read(signed_.chain, request.key).value();
  auto shown = certificate::read_public(signed_.chain).value();
  auto signature = sign_text(own, "a text");
  BOOST_TEST(is_signature(shown, "a text", signature));
  BOOST_TEST(!is_signature(shown, "another text", signature));
  BOOST_TEST(!is_signature(authority, "a text", signature));
  BOOST_TEST(!is_signature(shown, "a text", ""));
  BOOST_TEST(!is_signature(shown, "a text", "0"));
  BOOST_TEST(!is_signature(shown, "a text", "zz"));
}

BOOST_AUTO_TEST_CASE(an_authoritys_key_is_read_only_with_its_password) {
  auto sealed = authority.sealed_key("a password of this test");
  BOOST_TEST(sealed.find("ENCRYPTED PRIVATE KEY") != std::string::npos);
  auto opened = certificate::unseal(authority.text().chain, sealed, "a password of this test");
  BOOST_REQUIRE(opened.has_value());
  BOOST_TEST(opened->text().key == authority.text().key);
  BOOST_TEST(!certificate::unseal(authority.text().chain, sealed, "another").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
