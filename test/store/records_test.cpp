// Data that is stored beside a job's states, in both databases: the numbers of transitions, after which watchers
// resume; a bounded log; callbacks that wait until they are delivered, even after the store was closed.
#include "store/limits.hpp"
#include "test/store/databases.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::test;
using store::error_kind;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(records_test)

namespace {

store::submit_job with_callback(uint64_t n) {
  auto x = a_job(n);
  x.callback_url = "https://host/told?job=" + std::to_string(n);
  return x;
}

} // namespace

BOOST_DATA_TEST_CASE(an_outcome_names_its_row_of_history, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  auto submitted = must(jobs, a_job(1));
  auto moved = must(jobs, a_move(jobs, nth(1), job_state::assigned));
  must(jobs, store::add_chunks{nth(1), {}, {{0, chunk_kind::video, 0, 1}}});
  auto leased = must(jobs, store::move_chunk{nth(1), 0, chunk_state::leased, {}, "why", "node", {}, {}});
  auto history = history_of(jobs, nth(1));
  BOOST_REQUIRE(history.size() == 3u);
  BOOST_TEST(history[0].number == submitted.history);
  BOOST_TEST(history[1].number == moved.history);
  BOOST_TEST(history[2].number == leased.history);
  BOOST_TEST(moved.from == "queued");
  BOOST_TEST(leased.from == "waiting");
  BOOST_TEST(!moved.callback);
  // From each of these numbers on, the remaining events of all jobs are found, without those of chunks.
  must(jobs, a_job(2));
  auto page = jobs.transitions(submitted.history, 10).value();
  BOOST_REQUIRE(page.rows.size() == 2u);
  BOOST_TEST(page.rows[0].to == "assigned");
  BOOST_TEST((page.rows[1].id == nth(2)));
  BOOST_TEST(!page.next);
  BOOST_TEST(jobs.transitions(0, 2).value().next.has_value());
}

BOOST_DATA_TEST_CASE(a_log_keeps_its_first_lines_and_goes_with_its_job, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  must(jobs, a_job(1));
  must(jobs,
       store::add_log{nth(1), {{0, 5, "warning", "chunk 1 on one", "first \" ' %"}, {0, 0, "info", "", "second"}}});
  auto page = jobs.log(nth(1), {}, 1).value();
  BOOST_REQUIRE(page.rows.size() == 1u);
  BOOST_TEST(page.rows[0].text == "first \" ' %");
  BOOST_TEST(page.rows[0].at_ms == 5);
  BOOST_TEST(page.rows[0].part == "chunk 1 on one");
  auto rest = jobs.log(nth(1), page.next, 10).value();
  BOOST_REQUIRE(rest.rows.size() == 1u);
  BOOST_TEST(rest.rows[0].at_ms == test_time_ms);

  store::add_log many{nth(1), {store::limits::log_lines_per_job, store::log_line{0, 1, "info", "", "x"}}};
  must(jobs, many);
  BOOST_TEST(static_cast<size_t>(database.ask("SELECT count(*) FROM logs")) == store::limits::log_lines_per_job);
  must(jobs, store::add_log{nth(7), {{0, 1, "info", "", "of nobody"}}});
  many.lines = {{0, 1, "info", "", std::string(store::limits::log_line_bytes + 1, 'x')}};
  BOOST_TEST((must_fail(jobs, many).kind == error_kind::invalid_argument));

  must(jobs, store::move_job{nth(1), job_state::cancelled, {}, {}, "why", "node", {}});
  BOOST_TEST(jobs.log(nth(1), {}, 1).value().rows.size() == 1u);
  must(jobs, store::remove_job{nth(1)});
  BOOST_TEST(database.ask("SELECT count(*) FROM logs") == 0);
  BOOST_TEST((jobs.log(nth(1), {}, 1).error().kind == error_kind::not_found));
}

BOOST_DATA_TEST_CASE(an_end_waits_until_it_is_told, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  int64_t delivery = 0;
  {
    auto jobs = database.open();
    must(jobs, with_callback(1));
    must(jobs, a_job(2));
    BOOST_TEST(jobs.open_callbacks(10).value().empty());
    auto ended = must(jobs, store::move_job{nth(1), job_state::cancelled, {}, {}, "why", "node", {}});
    BOOST_TEST(ended.callback);
    delivery = ended.history;
    BOOST_TEST(!must(jobs, store::move_job{nth(2), job_state::cancelled, {}, {}, "why", "node", {}}).callback);
    must(jobs, store::edit_callback{nth(1), delivery, 1, 77, false, "answered 503"});
  }
  auto jobs = database.open();
  auto open = jobs.open_callbacks(10).value();
  BOOST_REQUIRE(open.size() == 1u);
  BOOST_TEST((open[0].id == nth(1)));
  BOOST_TEST(open[0].delivery == delivery);
  BOOST_TEST(open[0].url == "https://host/told?job=1");
  BOOST_TEST(open[0].ended_ms == test_time_ms);
  BOOST_TEST(open[0].tries == 1u);
  BOOST_TEST(open[0].not_before_ms == 77);
  BOOST_TEST(open[0].note == "answered 503");
  must(jobs, store::edit_callback{nth(1), delivery, 2, 0, true, "answered 200"});
  BOOST_TEST(jobs.open_callbacks(10).value().empty());
  BOOST_TEST((must_fail(jobs, store::edit_callback{nth(1), delivery, 3, 0, true, ""}).kind == error_kind::not_found));
  auto known = jobs.callbacks_of(nth(1)).value();
  BOOST_REQUIRE(known.size() == 1u);
  BOOST_TEST(known[0].done_ms == test_time_ms);
  must(jobs, store::remove_job{nth(1)});
  BOOST_TEST(database.ask("SELECT count(*) FROM callbacks") == 0);
}

BOOST_DATA_TEST_CASE(each_end_of_a_job_that_ends_twice_is_told, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  must(jobs, with_callback(1));
  auto first = must(jobs, store::move_job{nth(1), job_state::failed, {}, {}, "why", "node", {}});
  must(jobs, store::move_job{nth(1), job_state::queued, {}, {}, "again", "node", {}});
  auto second = must(jobs, store::move_job{nth(1), job_state::cancelled, {}, {}, "why", "node", {}});
  BOOST_TEST(first.history < second.history);
  BOOST_TEST(jobs.open_callbacks(10).value().size() == 2u);
  BOOST_TEST(jobs.callbacks_of(nth(1)).value().front().delivery == second.history);
}

BOOST_AUTO_TEST_SUITE_END()
