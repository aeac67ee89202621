// Goal: only one process at a time owns a store, in either database. A claim ends with its process or connection.
// Method: claims by this process, and a server that is stopped, started, and told to end connections.
#include "store/claim.hpp"
#include "test/store/databases.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <future>

#include <unistd.h>

using namespace troupe;
using namespace troupe::test;
using store::error_kind;
using store::store_claim;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(claim_test)

namespace {

void nobody(const std::string& why) {
  BOOST_ERROR("lost: " << why);
}

} // namespace

BOOST_DATA_TEST_CASE(a_store_is_taken_once_and_the_refusal_names_who_has_it, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  {
    auto first = store_claim::take(database.settings(), nobody);
    BOOST_REQUIRE_MESSAGE(first, (first ? "" : first.error().text));
    auto jobs = database.open(); // an open store is no claim, and does not prevent one
    must(jobs, a_job(1));
    auto second = store_claim::take(database.settings(), nobody);
    BOOST_REQUIRE(!second);
    BOOST_TEST((second.error().kind == error_kind::in_use));
    BOOST_TEST(!second.error().transient());
    BOOST_TEST(second.error().text.find("troupe " + std::to_string(::getpid()) + " on ") != std::string::npos,
               second.error().text);
  }
  BOOST_TEST(store_claim::take(database.settings(), nobody).has_value());
}

BOOST_AUTO_TEST_CASE(other_stores_are_free) {
  scratch_database one{"sqlite"}, other{"sqlite"};
  auto first = store_claim::take(one.settings(), nobody);
  auto second = store_claim::take(other.settings(), nobody);
  BOOST_TEST(first.has_value());
  BOOST_TEST(second.has_value());
}

BOOST_AUTO_TEST_CASE(whoever_lost_its_connection_takes_the_store_again_or_hears_that_another_has_it) {
  if (database_kinds().size() < 2)
    return;
  scratch_database database{"postgresql"};
  std::promise<std::string> told;
  auto first = store_claim::take(database.settings(), [&](const std::string& why) { told.set_value(why); });
  BOOST_REQUIRE(first.has_value());
  auto end_connections = [&] {
    (void)database.ask(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'troupe %'");
  };
  end_connections();
  // Takes the store before the first owner notices that its connection is broken. The first owner loses the store.
  auto second = store_claim::take(database.settings(), nobody);
  for (int tries = 0; !second && tries < 100; ++tries) { // the server may need a moment to end the session
    (void)database.ask("SELECT 1 FROM pg_sleep(0.01)");
    second = store_claim::take(database.settings(), nobody);
  }
  BOOST_REQUIRE_MESSAGE(second, (second ? "" : second.error().text));
  auto why = told.get_future();
  BOOST_REQUIRE((why.wait_for(scaled(milliseconds{10'000})) == std::future_status::ready));
  BOOST_TEST(why.get().find("is in use by troupe ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_server_that_is_away_is_told_from_a_store_that_is_taken) {
  if (database_kinds().size() < 2)
    return;
  scratch_database database{"postgresql"};
  stop_database_server();
  auto claim = store_claim::take(database.settings(), nobody);
  start_database_server();
  BOOST_REQUIRE(!claim);
  BOOST_TEST((claim.error().kind == error_kind::connection_lost));
  BOOST_TEST(store_claim::take(database.settings(), nobody).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
