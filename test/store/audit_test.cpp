// The audit log in both databases: entries come back as they were written, filtered and in pages, and old ones go.
#include "store/audit_store.hpp"
#include "test/store/databases.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::test;
namespace data = boost::unit_test::data;

namespace audit_test {
namespace {

using list = std::vector<int64_t>;

store::audit_record entry(int64_t number) {
  store::audit_record x;
  x.number = number;
  x.at_ms = test_time_ms + number;
  x.key = number % 2 == 0 ? "0123456789ab" : "";
  x.name = number % 2 == 0 ? "a name with ' and \" and ü" : "this machine";
  x.role = "admin";
  x.address = "192.0.2." + std::to_string(number % 3);
  x.request = "request-" + std::to_string(number);
  x.method = "POST";
  x.route = "/api/v1/jobs/{}/cancel";
  x.target = "/api/v1/jobs/100%_of\\it/cancel?a=***";
  x.status = 200;
  return x;
}

store::audit_record of_nobody(int64_t number) {
  auto x = entry(number);
  x.key = x.name = x.role = "";
  x.status = 401;
  return x;
}

std::vector<int64_t> numbers(const store::audit_page& x) {
  std::vector<int64_t> result;
  for (auto& row : x.rows)
    result.push_back(row.number);
  return result;
}

store::audit_store open(const scratch_database& database) {
  return store::audit_store::open(database.settings()).value();
}

void add(store::audit_store& to, std::vector<store::audit_record> rows) {
  auto added = to.add(rows);
  BOOST_REQUIRE_MESSAGE(added.has_value(), added.error().text);
}

} // namespace
} // namespace audit_test

BOOST_AUTO_TEST_SUITE(audit_test)

BOOST_DATA_TEST_CASE(entries_come_back_as_they_were_written, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto made = entry(2);
  made.made = "/api/v1/keys/fedcba987654";
  auto unanswered = entry(1);
  unanswered.status = 0;
  {
    auto log = open(database);
    BOOST_TEST(log.newest().value() == 0);
    add(log, {unanswered, made});
  }
  auto log = open(database);
  BOOST_TEST(log.newest().value() == 2);
  auto page = log.list({}, {}, 10).value();
  BOOST_TEST((page.rows == std::vector{made, unanswered}));
  BOOST_TEST(!page.next.has_value());
}

BOOST_DATA_TEST_CASE(entries_can_be_written_again, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto log = open(database);
  add(log, {entry(1), entry(2)});
  add(log, {entry(2), entry(3)});
  BOOST_TEST(numbers(log.list({}, {}, 10).value()) == (list{3, 2, 1}), boost::test_tools::per_element());
}

BOOST_DATA_TEST_CASE(pages_follow_one_another, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto log = open(database);
  for (int64_t i = 1; i <= 5; ++i)
    add(log, {entry(i)});
  list all;
  std::optional<int64_t> before;
  int pages = 0;
  do {
    auto page = log.list({}, before, 2).value();
    auto got = numbers(page);
    all.insert(all.end(), got.begin(), got.end());
    before = page.next;
    ++pages;
    // What comes meanwhile changes no later page.
    add(log, {entry(5 + pages)});
  } while (before && pages < 10);
  BOOST_TEST(pages == 3);
  BOOST_TEST(all == (list{5, 4, 3, 2, 1}), boost::test_tools::per_element());
}

BOOST_DATA_TEST_CASE(filters_hold_together, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto log = open(database);
  for (int64_t i = 1; i <= 6; ++i)
    add(log, {entry(i)});
  auto found = [&log](store::audit_filter x) { return numbers(log.list(x, {}, 10).value()); };
  auto check = [&found](store::audit_filter x, const list& expected) {
    BOOST_TEST(found(std::move(x)) == expected, boost::test_tools::per_element());
  };
  check({.key = "0123456789ab"}, {6, 4, 2});
  check({.key = "0123456789a"}, {});
  check({.address = "192.0.2.1"}, {4, 1});
  check({.key = "0123456789ab", .address = "192.0.2.1"}, {4});
  check({.text = "POST /API/v1/jobs"}, {6, 5, 4, 3, 2, 1});
  check({.text = "this MACHINE"}, {5, 3, 1});
  check({.text = "request-3"}, {3});
  // Signs with a meaning in patterns have none here.
  check({.text = "100%_of\\it"}, {6, 5, 4, 3, 2, 1});
  check({.text = "1%0"}, {});
  check({.text = "' OR 1=1 --"}, {});
  check({.from_ms = test_time_ms + 2, .to_ms = test_time_ms + 4}, {3, 2});
}

BOOST_DATA_TEST_CASE(what_is_old_or_too_much_is_removed, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto log = open(database);
  for (int64_t i = 1; i <= 10; ++i)
    add(log, {entry(i)});
  auto kept = [&](store::audit_bounds x) {
    BOOST_TEST(log.trim(x).has_value());
    return numbers(log.list({}, {}, 100).value());
  };
  BOOST_TEST(kept({0, 100, 100}).size() == 10u);
  BOOST_TEST(kept({test_time_ms + 4, 100, 100}) == (list{10, 9, 8, 7, 6, 5, 4}), boost::test_tools::per_element());
  BOOST_TEST(kept({0, 5, 100}) == (list{10, 9, 8, 7, 6}), boost::test_tools::per_element());
  BOOST_TEST(log.newest().value() == 10);
}

BOOST_DATA_TEST_CASE(nobodies_push_out_only_one_another, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto log = open(database);
  add(log, {entry(1), of_nobody(2), entry(3)});
  for (int64_t i = 4; i <= 20; ++i)
    add(log, {of_nobody(i)});
  BOOST_TEST(log.trim({0, 6, 2}).has_value());
  BOOST_TEST(numbers(log.list({}, {}, 100).value()) == (list{20, 19, 3, 1}), boost::test_tools::per_element());
}

BOOST_DATA_TEST_CASE(the_log_lives_beside_jobs, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  auto log = open(database);
  must(jobs, a_job(1));
  add(log, {entry(1)});
  must(jobs, a_job(2));
  BOOST_TEST(log.list({}, {}, 10).value().rows.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
