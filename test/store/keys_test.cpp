// The keys of the HTTP interface outlive the process, in both databases.
#include "store/key_store.hpp"
#include "test/store/databases.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::test;
using store::error_kind;
namespace data = boost::unit_test::data;

namespace keys_test {
namespace {

store::key_record a_key(const std::string& id, int64_t created_ms) {
  store::key_record x;
  x.id = id;
  x.sha256 = std::string(64, 'a');
  x.name = "a name with ' and \" and ü";
  x.role = "watch";
  x.channels = {"demo", "a b"};
  x.made_by = "0123456789ab";
  x.created_ms = created_ms;
  x.expires_ms = created_ms + 1000;
  return x;
}

} // namespace
} // namespace keys_test

BOOST_AUTO_TEST_SUITE(keys_test)

BOOST_DATA_TEST_CASE(keys_are_kept_as_they_were_made_and_changed, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto later = a_key("b", test_time_ms + 1);
  auto sooner = a_key("c", test_time_ms);
  sooner.channels.clear();
  {
    auto keys = store::key_store::open(database.settings()).value();
    BOOST_TEST(keys.all().value().empty());
    BOOST_TEST(keys.add(later).has_value());
    BOOST_TEST(keys.add(sooner).has_value());
    BOOST_TEST((keys.add(later).error().kind == error_kind::constraint));
    BOOST_TEST(keys.update("b", test_time_ms + 7, test_time_ms + 8).has_value());
    BOOST_TEST((keys.update("d", 1, 0).error().kind == error_kind::not_found));
  }
  later.used_ms = test_time_ms + 7;
  later.revoked_ms = test_time_ms + 8;
  auto keys = store::key_store::open(database.settings()).value();
  BOOST_TEST((keys.all().value() == std::vector{sooner, later}));
}

BOOST_DATA_TEST_CASE(keys_live_beside_jobs, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  auto keys = store::key_store::open(database.settings()).value();
  must(jobs, a_job(1));
  BOOST_TEST(keys.add(a_key("a", test_time_ms)).has_value());
  must(jobs, a_job(2));
  BOOST_TEST(keys.all().value().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
