// A database is upgraded with the program, in one transaction, and never downgraded. Made-up steps stand for future
// ones.
#include "test/store/databases.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <string_view>
#include <vector>

using namespace troupe;
using namespace troupe::test;
using store::error_kind;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(migrations_test)

namespace {

using namespace std::string_view_literals;

constexpr std::array add_column{"ALTER TABLE jobs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'"sv,
                                "CREATE TABLE paints (id SERIAL_KEY, name TEXT NOT NULL)"sv};
constexpr std::array broken{"CREATE TABLE brushes (id SERIAL_KEY)"sv, "ALTER TABLE no_such_table ADD COLUMN x TEXT"sv};

/// The program's own steps, and one more.
std::vector<store::migration> with(std::span<const std::string_view> more) {
  const auto own = store::migrations();
  std::vector<store::migration> result{own.begin(), own.end()};
  result.push_back({result.back().version + 1, more});
  return result;
}

} // namespace

BOOST_DATA_TEST_CASE(steps_are_numbered_without_a_gap_and_noted, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  int version = 0;
  for (const auto& step : store::migrations())
    BOOST_TEST(step.version == ++version);
  for (int i = 0; i < 2; ++i) {
    database.open();
    BOOST_TEST(database.ask("SELECT max(version) FROM schema_versions") == version);
    BOOST_TEST(database.ask("SELECT count(*) FROM schema_versions") == version);
  }
}

BOOST_DATA_TEST_CASE(an_older_schema_grows_and_keeps_its_jobs, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  {
    auto jobs = database.open();
    must(jobs, a_job(1));
    bring(jobs, nth(1), job_state::running);
  }
  const auto steps = with(add_column);
  auto jobs = store::job_store::open(database.settings(), steps).value();
  BOOST_TEST(jobs.find(nth(1))->attempt == 1);
  must(jobs, a_job(2));
  BOOST_TEST(database.ask("SELECT count(*) FROM jobs WHERE colour = 'red'") == 2);
  BOOST_TEST(database.ask("SELECT count(*) FROM paints") == 0);
}

BOOST_DATA_TEST_CASE(a_newer_schema_is_refused_and_left_alone, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  BOOST_REQUIRE(store::job_store::open(database.settings(), with(add_column)).has_value());
  const auto opened = store::job_store::open(database.settings());
  BOOST_REQUIRE(!opened);
  BOOST_TEST((opened.error().kind == error_kind::too_new));
  BOOST_TEST(!opened.error().transient());
  BOOST_TEST(opened.error().text.find("version " + std::to_string(store::migrations().back().version + 1))
             != std::string::npos);
  BOOST_TEST(store::job_store::open(database.settings(), with(add_column)).has_value());
}

BOOST_AUTO_TEST_CASE(a_schema_that_grew_under_a_lost_connection_is_noticed) {
  if (database_kinds().size() < 2)
    return;
  scratch_database database{"postgresql"};
  auto jobs = database.open();
  BOOST_REQUIRE(store::job_store::open(database.settings(), with(add_column)).has_value());
  must(jobs, a_job(1)); // the older program is served as long as its connection lasts
  database.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
               " AND backend_type = 'client backend'");
  BOOST_TEST((jobs.find(nth(1)).error().kind == error_kind::connection_lost));
  for (int i = 0; i < 2; ++i)
    BOOST_TEST((jobs.find(nth(1)).error().kind == error_kind::too_new));
}

BOOST_DATA_TEST_CASE(a_step_that_fails_leaves_the_old_schema, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  must(*std::make_unique<store::job_store>(database.open()), a_job(1));
  BOOST_TEST(!store::job_store::open(database.settings(), with(broken)));
  auto jobs = database.open();
  BOOST_TEST(jobs.find(nth(1)).has_value());
  BOOST_TEST(database.ask("SELECT max(version) FROM schema_versions") == store::migrations().back().version);
  BOOST_TEST(store::job_store::open(database.settings(), with(add_column)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
