// The cluster's authority, its join tokens and its nodes' certificates outlive the process, in both databases.
#include "store/authority_store.hpp"
#include "test/store/databases.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::test;
using store::error_kind;
namespace data = boost::unit_test::data;

namespace authority_test {
namespace {

store::join_token_record a_token(const std::string& id, int64_t created_ms) {
  return {id, std::string(64, 'a'), "worker", "0123456789ab", created_ms, created_ms + 1000, 2, 0, 0};
}

store::node_certificate_record a_certificate(const std::string& serial, const std::string& token) {
  return {serial, "node '" + serial, "worker", token, test_time_ms, test_time_ms + 1000, 0};
}

store::authority_store must_open(const scratch_database& x) {
  auto result = store::authority_store::open(x.settings());
  BOOST_REQUIRE_MESSAGE(result.has_value(), result.error().text);
  return std::move(*result);
}

} // namespace
} // namespace authority_test

BOOST_AUTO_TEST_SUITE(authority_test)

BOOST_DATA_TEST_CASE(a_cluster_has_one_authority, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  store::authority_record first{"certificate", "key"};
  {
    auto x = must_open(database);
    BOOST_TEST(!x.authority().value().has_value());
    BOOST_TEST(x.add(first).has_value());
    auto again = x.add(store::authority_record{"another", "key"});
    BOOST_REQUIRE(!again.has_value());
    BOOST_TEST((again.error().kind == error_kind::constraint));
  }
  BOOST_TEST((must_open(database).authority().value() == first));
}

BOOST_DATA_TEST_CASE(a_token_admits_as_often_as_it_may, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto later = a_token("B", test_time_ms + 1);
  auto sooner = a_token("Z", test_time_ms);
  auto first = a_certificate("01", "Z");
  {
    auto x = must_open(database);
    BOOST_TEST(x.add(later).has_value());
    BOOST_TEST(x.add(sooner).has_value());
    BOOST_TEST((x.add(sooner).error().kind == error_kind::constraint));
    BOOST_TEST(x.admit(first).has_value());
    // Neither is written if the other cannot be.
    BOOST_TEST((x.admit(first).error().kind == error_kind::constraint));
    BOOST_TEST(x.tokens().value().front().uses == 1);
    BOOST_TEST(x.admit(a_certificate("02", "Z")).has_value());
    BOOST_TEST((x.admit(a_certificate("03", "Z")).error().kind == error_kind::not_found));
    BOOST_TEST(x.revoke_token("B", test_time_ms + 7).has_value());
    BOOST_TEST((x.revoke_token("C", test_time_ms).error().kind == error_kind::not_found));
    BOOST_TEST((x.admit(a_certificate("03", "B")).error().kind == error_kind::not_found));
  }
  sooner.uses = 2;
  later.revoked_ms = test_time_ms + 7;
  auto x = must_open(database);
  BOOST_TEST((x.tokens().value() == std::vector{sooner, later}));
  BOOST_TEST((x.certificates().value() == std::vector{first, a_certificate("02", "Z")}));
}

BOOST_DATA_TEST_CASE(certificates_are_revoked_by_node_and_dropped_at_their_end, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto x = must_open(database);
  BOOST_TEST(x.add(a_token("A", test_time_ms)).has_value());
  auto one = a_certificate("01", "A");
  auto two = a_certificate("02", "A");
  BOOST_TEST(x.add(one).has_value());
  BOOST_TEST(x.add(two).has_value());
  BOOST_TEST(x.revoke_node(one.node, test_time_ms + 5).has_value());
  BOOST_TEST(x.revoke_node(one.node, test_time_ms + 6).has_value());
  BOOST_TEST(x.revoke_node("unknown", test_time_ms).has_value());
  one.revoked_ms = test_time_ms + 5;
  BOOST_TEST((x.certificates().value() == std::vector{one, two}));
  BOOST_TEST(x.forget(test_time_ms + 999, test_time_ms + 1000).has_value());
  BOOST_TEST(x.certificates().value().empty());
  BOOST_TEST(x.tokens().value().size() == 1u);
  BOOST_TEST(x.forget(test_time_ms + 1000, 0).has_value());
  BOOST_TEST(x.tokens().value().empty());
}

BOOST_AUTO_TEST_SUITE_END()
