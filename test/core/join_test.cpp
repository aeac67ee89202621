// Join tokens and certificates of nodes: what a token's text says, which token admits a node, how long a certificate
// counts, when it is renewed, and what a request for one may be.
#include "base/secret.hpp"
#include "core/trust/join_table.hpp"
#include "core/trust/join_token.hpp"
#include "core/trust/membership.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>

using namespace troupe;
using namespace troupe::core;

namespace join_test {
namespace {

constexpr int64_t now_ms = 1'700'000'000'000;
constexpr int64_t now_s = now_ms / 1000;
constexpr int64_t hour_s = 3600;
constexpr int64_t day_s = 24 * hour_s;

const std::string digest = base::sha256_of("a public key");

join_token a_token(const std::string& id) {
  join_token x;
  x.id = id;
  x.sha256 = base::sha256_of("secret of " + id);
  x.role = "worker";
  x.created_ms = now_ms;
  x.expires_ms = now_ms + 1000;
  x.uses_max = 2;
  return x;
}

node_certificate a_certificate(const std::string& serial, const std::string& node) {
  return {serial, node, "worker", "T", now_ms - 1000, now_ms + 1000, 0};
}

} // namespace
} // namespace join_test

BOOST_AUTO_TEST_SUITE(join_test)

BOOST_AUTO_TEST_CASE(a_tokens_text_names_the_authority_and_is_read_back) {
  auto x = join_text_of(digest, base::random_digits(join_random_bytes));
  auto text = to_string(x);
  BOOST_TEST(text.size() == 8u + 52 + 1 + 8 + 1 + 32);
  BOOST_TEST((read_join_text(text).value() == x));
  BOOST_TEST(is_for(x, digest));
  BOOST_TEST(!is_for(x, base::sha256_of("another public key")));
  // Computed with Python's base64.b32encode.
  BOOST_TEST(join_text_of(std::string(64, 'f'), std::string(50, '0')).authority == std::string(51, '7') + "Q");
  BOOST_TEST(join_text_of(digest, "0123456789" + std::string(40, 'a')).id == "AERUKZ4J");
}

BOOST_AUTO_TEST_CASE(a_damaged_token_is_refused_with_a_reason_that_does_not_repeat_it) {
  auto text = to_string(join_text_of(digest, base::random_digits(join_random_bytes)));
  auto wrong = [](const std::string& x, const std::string& why) {
    auto read = read_join_text(x);
    BOOST_REQUIRE(!read.has_value());
    BOOST_TEST(read.error().find(why) != std::string::npos, read.error());
    BOOST_TEST((x.size() < 20 || read.error().find(x) == std::string::npos));
  };
  wrong("", "does not begin with TROUPE1-");
  wrong("trp_0123", "does not begin with TROUPE1-");
  wrong("TROUPE1", "missing or damaged");
  wrong("TROUPE1-", "missing or damaged");
  wrong("TROUPE2" + text.substr(7), "does not begin with TROUPE1-");
  for (size_t cut = 8; cut < text.size(); cut += 5)
    wrong(text.substr(0, cut), "missing or damaged");
  wrong(text + "A", "missing or damaged");
  wrong(text + "-A", "missing or damaged");
  auto lower = text;
  lower.back() = 'a';
  wrong(lower, "missing or damaged");
}

BOOST_AUTO_TEST_CASE(a_token_admits_until_it_is_used_up_expired_or_revoked) {
  using enum proof::kind;
  join_table table;
  auto x = a_token("T");
  table.add(x);
  BOOST_TEST((table.check("T", x.sha256, now_ms) == good));
  BOOST_TEST((table.check("T", x.sha256, now_ms + 1000) == expired));
  table.count_use("T");
  BOOST_TEST((table.check("T", x.sha256, now_ms) == good));
  table.count_use("T");
  BOOST_TEST((table.check("T", x.sha256, now_ms) == used_up));
  table.revoke("T", now_ms);
  BOOST_TEST((table.check("T", x.sha256, now_ms) == revoked));
  // Who does not know the secret learns nothing.
  BOOST_TEST((table.check("T", base::sha256_of("guess"), now_ms) == wrong));
  BOOST_TEST((table.check("U", x.sha256, now_ms) == wrong));
}

BOOST_AUTO_TEST_CASE(a_token_has_a_role_a_bounded_life_and_a_bounded_number_of_uses) {
  join_table table;
  BOOST_TEST(table.fault_of(a_token("T"), now_ms).empty());
  auto x = a_token("T");
  x.role = "coordinator";
  BOOST_TEST(table.fault_of(x, now_ms).find("role") != std::string::npos);
  x = a_token("T");
  x.uses_max = 0;
  BOOST_TEST(table.fault_of(x, now_ms).find("uses") != std::string::npos);
  x.uses_max = join_table::uses_limit + 1;
  BOOST_TEST(!table.fault_of(x, now_ms).empty());
  x = a_token("T");
  x.expires_ms = now_ms;
  BOOST_TEST(table.fault_of(x, now_ms).find("life") != std::string::npos);
  x.expires_ms = now_ms + join_table::life_ms_max + 1;
  BOOST_TEST(!table.fault_of(x, now_ms).empty());
  for (size_t i = 0; i < join_table::tokens_max; ++i)
    table.add(a_token(std::to_string(i)));
  BOOST_TEST(table.fault_of(a_token("T"), now_ms).find("1000") != std::string::npos);
  table.forget(now_ms + 1000 + join_table::remembered_ms - 1);
  BOOST_TEST(table.all().size() == join_table::tokens_max);
  table.forget(now_ms + 1000 + join_table::remembered_ms);
  BOOST_TEST(table.all().empty());
}

BOOST_AUTO_TEST_CASE(a_certificate_begins_early_and_ends_with_its_authority) {
  lifetime authority{now_s - 10 * day_s, now_s + 3650 * day_s};
  BOOST_TEST((lifetime_of(now_s, 30 * day_s, authority) == lifetime{now_s - hour_s, now_s + 30 * day_s}));
  BOOST_TEST((lifetime_of(now_s, 30 * day_s, {now_s - 5, now_s + day_s}) == lifetime{now_s - 5, now_s + day_s}));
}

BOOST_AUTO_TEST_CASE(renewals_are_spread_over_50_to_80_percent_of_a_life) {
  for (auto life : {int64_t{60}, 30 * day_s}) {
    lifetime x{now_s - hour_s, now_s + life};
    auto earliest = std::numeric_limits<int64_t>::max();
    int64_t latest = 0;
    for (uint64_t random = 0; random < 5000; ++random) {
      auto at = renewal_s(x, random * 7919);
      earliest = std::min(earliest, at);
      latest = std::max(latest, at);
      BOOST_REQUIRE(renewal_fault(x, at).empty());
    }
    BOOST_TEST(earliest == now_s + life / 2);
    BOOST_TEST(latest == now_s + life * 8 / 10);
    BOOST_TEST(renewal_fault(x, now_s + 1).find("too new") != std::string::npos);
    BOOST_TEST(renewal_fault(x, now_s + life).find("join again") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(clocks_that_differ_are_named) {
  BOOST_TEST(clock_fault(now_s, now_s + hour_s).empty());
  BOOST_TEST(clock_fault(now_s, now_s - hour_s).empty());
  BOOST_TEST(clock_fault(now_s, now_s + 3 * hour_s + 20 * 60).find("3 h 20 min behind the coordinator's")
             != std::string::npos);
  BOOST_TEST(clock_fault(now_s + 400 * day_s, now_s).find("400 days ahead of the coordinator's") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(only_a_proper_request_gets_a_certificate) {
  request_facts good{600, true, true, true};
  BOOST_TEST(request_fault(good).empty());
  auto x = good;
  x.bytes = request_bytes_max + 1;
  BOOST_TEST(request_fault(x).find("4096") != std::string::npos);
  x = good;
  x.readable = false;
  BOOST_TEST(!request_fault(x).empty());
  x = good;
  x.signed_by_its_key = false;
  BOOST_TEST(request_fault(x).find("not signed") != std::string::npos);
  x = good;
  x.has_usual_key = false;
  BOOST_TEST(request_fault(x).find("P-256") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_revocation_is_for_all_certificates_of_a_node) {
  member_table table;
  table.add(a_certificate("01", "a"));
  table.add(a_certificate("02", "a"));
  table.add(a_certificate("03", "b"));
  BOOST_TEST((table.serials_of("a", now_ms) == std::vector<std::string>{"01", "02"}));
  table.revoke("a", now_ms);
  BOOST_TEST(table.serials_of("a", now_ms).empty());
  BOOST_TEST(table.find("01")->revoked_ms == now_ms);
  BOOST_TEST(table.find("03")->revoked_ms == 0);
  BOOST_TEST(table.serials_of("b", now_ms).size() == 1u);
  BOOST_TEST(table.serials_of("b", now_ms + 1000).empty());
  table.forget(now_ms + 999);
  BOOST_TEST(table.all().size() == 3u);
  table.forget(now_ms + 1000);
  BOOST_TEST(table.all().empty());
}

BOOST_AUTO_TEST_SUITE_END()
