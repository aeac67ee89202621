// Certificates from their making to their renewal: what the server makes, and what it takes from files.
#include "test/support/temporary_folder.hpp"
#include "trust/server_certificate.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>
#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

using namespace troupe;
using namespace troupe::trust;

namespace certificate_test {
namespace {

constexpr int64_t start_s = 1'700'000'000;
constexpr int64_t day_s = 24 * 3600;

std::string content(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write(const std::string& path, const std::string& text) {
  std::ofstream{path} << text;
}

mode_t mode_of(const std::string& path) {
  struct stat found {};
  ::stat(path.c_str(), &found);
  return found.st_mode & 07777;
}

struct fixture {
  std::unique_ptr<server_certificate> open() {
    auto result = server_certificate::open(config);
    BOOST_REQUIRE_MESSAGE(result.has_value(), result.error());
    return std::move(*result);
  }

  certificate fresh(int64_t life_s = 90 * day_s) {
    auto authority = make_authority("Another", now, 365 * day_s);
    BOOST_REQUIRE_MESSAGE(authority.has_value(), authority.error());
    auto result = issue(*authority, std::vector<std::string>{"example.org"}, now, life_s);
    BOOST_REQUIRE_MESSAGE(result.has_value(), result.error());
    return std::move(*result);
  }

  std::string file(const char* name) const {
    return folder.path() + "/" + name;
  }

  /// Makes `refresh` read files of the operator.
  void use_files() {
    config.certificate = file("server.crt");
    config.key = file("server.key");
  }

  void put(const certificate& x) {
    write(config.certificate, x.text().chain);
    write(config.key, x.text().key);
  }

  test::temporary_folder folder;
  int64_t now = start_s;
  std::vector<std::string> names{"localhost", "::1", "box.example", "192.0.2.7"};
  std::shared_ptr<const certificate> authority =
    std::make_shared<const certificate>(make_authority("The cluster", start_s, 3650 * day_s).value());
  server_certificate_config config{.authority = authority,
                                   .folder = folder.path(),
                                   .names = [this] { return names; },
                                   .now_s = [this] { return now; }};
};

} // namespace
} // namespace certificate_test

BOOST_FIXTURE_TEST_SUITE(certificate_test, fixture)

BOOST_AUTO_TEST_CASE(at_its_first_start_a_server_makes_a_certificate_that_the_authority_signs) {
  auto x = open();
  for (auto& name : names)
    BOOST_TEST(x->current().is_for(name), name);
  BOOST_TEST(!x->current().is_for("other.example"));
  BOOST_TEST(!x->current().is_for("192.0.2.8"));
  BOOST_TEST(x->current().begins_s() == now - 3600);
  BOOST_TEST(x->current().ends_s() == now + 90 * day_s);
  BOOST_TEST(mode_of(file(server_file)) == 0600u);
  BOOST_TEST(x->current().is_signed_by(*authority));
  BOOST_TEST(!fresh().is_signed_by(*authority));
  // The server's file has no key of the authority.
  BOOST_TEST(x->current().whole().find(authority->text().key) == std::string::npos);
  BOOST_TEST(x->current().text().chain.ends_with(authority->text().chain));
}

BOOST_AUTO_TEST_CASE(a_restart_keeps_the_certificate) {
  auto before = open()->current().whole();
  BOOST_TEST(open()->current().whole() == before);
  // A lost or damaged certificate is made again, and so is one of another authority.
  write(file(server_file), "damaged");
  auto again = open()->current().whole();
  BOOST_TEST(again != before);
  config.authority = std::make_shared<const certificate>(make_authority("Another", now, 3650 * day_s).value());
  BOOST_TEST(open()->current().whole() != again);
}

BOOST_AUTO_TEST_CASE(a_certificate_is_renewed_long_before_it_ends) {
  auto x = open();
  auto before = x->current().whole();
  now += 59 * day_s;
  BOOST_TEST(!x->refresh().value());
  now += 2 * day_s;
  BOOST_TEST(x->refresh().value());
  BOOST_TEST(x->current().whole() != before);
  BOOST_TEST(x->current().ends_s() == now + 90 * day_s);
  BOOST_TEST(content(file(server_file)) == x->current().whole());
  BOOST_TEST(!x->refresh().value());
}

BOOST_AUTO_TEST_CASE(a_new_name_leads_to_a_new_certificate_and_an_impossible_one_to_one_attempt) {
  auto x = open();
  names.emplace_back("new.example");
  BOOST_TEST(x->refresh().value());
  BOOST_TEST(x->current().is_for("new.example"));
  names.emplace_back("");
  BOOST_TEST(x->refresh().value());
  auto tried = x->current().whole();
  BOOST_TEST(!x->refresh().value());
  BOOST_TEST(x->current().whole() == tried);
}

BOOST_AUTO_TEST_CASE(files_of_the_operator_are_taken_when_they_change) {
  use_files();
  auto first = fresh();
  put(first);
  auto x = open();
  BOOST_TEST(x->current().whole() == first.whole());
  BOOST_TEST(!x->refresh().value());
  auto second = fresh();
  put(second);
  BOOST_TEST(x->refresh().value());
  BOOST_TEST(x->current().whole() == second.whole());
  // One file may hold both.
  config.key.clear();
  write(config.certificate, first.whole());
  BOOST_TEST(open()->current().whole() == first.whole());
}

BOOST_AUTO_TEST_CASE(a_broken_file_keeps_the_old_certificate_and_is_told_once) {
  use_files();
  auto first = fresh();
  auto refused = [&](server_certificate& x, const std::string& why) {
    auto said = x.refresh();
    BOOST_REQUIRE(!said.has_value());
    BOOST_TEST(said.error().find(why) != std::string::npos, said.error());
    BOOST_TEST(said.error().find(config.certificate) != std::string::npos, said.error());
    BOOST_TEST(!x.refresh().value());
    BOOST_TEST(x.current().whole() == first.whole());
  };
  put(first);
  auto x = open();
  auto second = fresh();
  write(config.certificate, second.text().chain);
  refused(*x, "does not belong to the certificate");
  write(config.certificate, second.text().chain.substr(0, 200));
  refused(*x, "no certificate in PEM, or a damaged one");
  write(config.certificate, {});
  refused(*x, "no certificate in PEM");
  put(fresh(-1));
  refused(*x, "has expired");
  ::remove(config.certificate.c_str());
  refused(*x, "No such file");
  ::mkfifo(config.certificate.c_str(), 0600);
  BOOST_TEST(!server_certificate::open(config).has_value());
  ::remove(config.certificate.c_str());
  put(second);
  BOOST_TEST(x->refresh().value());
  BOOST_TEST(x->current().whole() == second.whole());
}

BOOST_AUTO_TEST_CASE(a_key_with_a_password_is_refused_without_asking_for_it) {
  auto text = fresh().text();
  std::unique_ptr<BIO, decltype(&BIO_free)> from{BIO_new_mem_buf(text.key.data(), static_cast<int>(text.key.size())),
                                                 BIO_free};
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
    PEM_read_bio_PrivateKey(from.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
  std::unique_ptr<BIO, decltype(&BIO_free)> to{BIO_new(BIO_s_mem()), BIO_free};
  char password[] = "a password";
  PEM_write_bio_PKCS8PrivateKey(to.get(), key.get(), EVP_aes_256_cbc(), password, sizeof password - 1, nullptr,
                                nullptr);
  char* data = nullptr;
  auto size = BIO_get_mem_data(to.get(), &data);
  auto read = certificate::read(text.chain, std::string(data, static_cast<size_t>(size)));
  BOOST_REQUIRE(!read.has_value());
  BOOST_TEST(read.error().find("without a password") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_is_named) {
  config.folder = file("missing");
  auto opened = server_certificate::open(config);
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.error().find(config.folder) != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
