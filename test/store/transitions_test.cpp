// Every pair of states is tried, in both databases: an allowed transition happens, with its history row. Any other is
// an error that names both states and changes nothing. An attempt that is not current is refused everywhere.
#include "messages/job_states.hpp"
#include "test/store/databases.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::test;
using store::error_kind;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(transitions_test)

namespace {

constexpr size_t job_states = 7;
constexpr size_t chunk_states = 4;

store::move_chunk a_chunk_move(job_id id, chunk_state to, uint32_t attempt) {
  store::move_chunk result{id, 0, to, attempt, "test", "node", {}, {}};
  if (to == chunk_state::done)
    result.result = store::chunk_result{"chunk-0", 1'234, std::string(64, 'a'), 50, 0, 180'000};
  return result;
}

store::chunk only_chunk(store::job_store& on, job_id id) {
  auto page = on.chunks(id, {}, 10);
  BOOST_REQUIRE(page.has_value());
  BOOST_REQUIRE(page->rows.size() == 1);
  return page->rows.front();
}

} // namespace

BOOST_DATA_TEST_CASE(a_job_goes_where_the_table_says_and_nowhere_else, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  uint64_t n = 0;
  for (size_t a = 0; a < job_states; ++a) {
    for (size_t b = 0; b < job_states; ++b) {
      const auto from = static_cast<job_state>(a);
      const auto to = static_cast<job_state>(b);
      const auto id = nth(++n);
      must(jobs, a_job(n));
      bring(jobs, id, from);
      const auto before = jobs.find(id).value();
      const auto history = history_of(jobs, id);
      BOOST_REQUIRE(before.state == from);
      const auto move = a_move(jobs, id, to);
      if (find_transition(from, to)) {
        const auto done = must(jobs, move, test_time_ms + 5);
        const auto after = jobs.find(id).value();
        BOOST_TEST(to_string(after.state) == to_string(to));
        BOOST_TEST(to_string(after.previous_state) == to_string(from));
        BOOST_TEST(after.attempt == before.attempt + (to == job_state::assigned ? 1 : 0));
        BOOST_TEST(done.attempt == after.attempt);
        BOOST_TEST((after.ended_ms != 0) == is_ended(to));
        const auto rows = history_of(jobs, id);
        BOOST_REQUIRE(rows.size() == history.size() + 1);
        const auto& row = rows.back();
        BOOST_TEST(row.at_ms == test_time_ms + 5);
        BOOST_TEST(row.from == to_string(from));
        BOOST_TEST(row.to == to_string(to));
        BOOST_TEST(row.why == "test");
        BOOST_TEST(row.node == "node");
        BOOST_TEST(row.attempt == after.attempt);
        BOOST_TEST(row.chunk == store::history_entry::whole_job);
      } else {
        const auto why = must_fail(jobs, move);
        BOOST_TEST((why.kind == error_kind::invalid_transition));
        BOOST_TEST(!why.transient());
        BOOST_TEST(why.text.find(to_string(from)) != std::string::npos);
        BOOST_TEST(why.text.find(to_string(to)) != std::string::npos);
        BOOST_TEST((jobs.find(id).value() == before));
        BOOST_TEST((history_of(jobs, id) == history));
      }
    }
  }
  check_consistent(database);
}

BOOST_DATA_TEST_CASE(a_chunk_goes_where_the_table_says_and_nowhere_else, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  uint64_t n = 0;
  for (size_t a = 0; a < chunk_states; ++a) {
    for (size_t b = 0; b < chunk_states; ++b) {
      const auto from = static_cast<chunk_state>(a);
      const auto to = static_cast<chunk_state>(b);
      const auto id = nth(++n);
      must(jobs, a_job(n));
      must(jobs, store::add_chunks{id, {}, {{0, chunk_kind::video, 0, 90'000}}});
      if (from != chunk_state::waiting)
        must(jobs, a_chunk_move(id, chunk_state::leased, 0));
      if (from == chunk_state::done || from == chunk_state::failed)
        must(jobs, a_chunk_move(id, from, 1));
      const auto before = only_chunk(jobs, id);
      BOOST_REQUIRE(before.state == from);
      const auto move = a_chunk_move(id, to, before.attempt);
      if (find_transition(from, to)) {
        must(jobs, move);
        const auto after = only_chunk(jobs, id);
        BOOST_TEST(to_string(after.state) == to_string(to));
        BOOST_TEST(after.attempt == before.attempt + (to == chunk_state::leased ? 1 : 0));
        BOOST_TEST((after.result == move.result.value_or(store::chunk_result{})));
        const auto row = history_of(jobs, id).back();
        BOOST_TEST(row.chunk == 0);
        BOOST_TEST(row.from == to_string(from));
        BOOST_TEST(row.to == to_string(to));
        BOOST_TEST(row.attempt == after.attempt);
      } else {
        const auto why = must_fail(jobs, move);
        BOOST_TEST((why.kind == error_kind::invalid_transition));
        BOOST_TEST(why.text.find(to_string(from)) != std::string::npos);
        BOOST_TEST(why.text.find(to_string(to)) != std::string::npos);
        BOOST_TEST((only_chunk(jobs, id) == before));
      }
    }
  }
  check_consistent(database);
}

BOOST_DATA_TEST_CASE(an_old_attempt_is_refused, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  const auto id = nth(1);
  must(jobs, a_job(1));
  bring(jobs, id, job_state::running);
  must(jobs, a_move(jobs, id, job_state::queued));
  BOOST_TEST(must(jobs, a_move(jobs, id, job_state::assigned)).attempt == 2);
  must(jobs, a_move(jobs, id, job_state::running));
  must(jobs, store::add_chunks{id, 2, {{0, chunk_kind::video, 0, 90'000}}});

  const auto before = jobs.find(id).value();
  store::job_changes progress;
  progress.progress_ppm = 1;
  for (const store::operation& late : std::initializer_list<store::operation>{
         store::move_job{id, job_state::completed, {}, 1, "late", "zombie"},
         store::move_job{id, job_state::failed, {}, 1, "late", "zombie"}, store::edit_job{id, 1, progress},
         store::remove_chunks{id, 1}, store::add_chunks{id, 1, {{1, chunk_kind::video, 0, 90'000}}}}) {
    const auto why = must_fail(jobs, late);
    BOOST_TEST((why.kind == error_kind::stale_attempt));
    BOOST_TEST(why.text.find("attempt 1") != std::string::npos);
  }
  BOOST_TEST((jobs.find(id).value() == before));

  must(jobs, a_chunk_move(id, chunk_state::leased, 0));
  must(jobs, a_chunk_move(id, chunk_state::waiting, 1));
  must(jobs, a_chunk_move(id, chunk_state::leased, 1));
  BOOST_TEST((must_fail(jobs, a_chunk_move(id, chunk_state::done, 1)).kind == error_kind::stale_attempt));
  must(jobs, a_chunk_move(id, chunk_state::done, 2));
  BOOST_TEST(only_chunk(jobs, id).attempt == 2);

  // An earlier attempt of the job cannot move a chunk either, even with the right attempt of the chunk.
  auto late = a_chunk_move(id, chunk_state::waiting, 2);
  late.life = 1;
  BOOST_TEST((must_fail(jobs, late).kind == error_kind::stale_attempt));
  BOOST_TEST((only_chunk(jobs, id).state == chunk_state::done));
  late.life = 2;
  must(jobs, late);
}

BOOST_DATA_TEST_CASE(a_pause_is_not_undone_by_what_its_attempt_says_late, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  const auto id = nth(1);
  must(jobs, a_job(1));
  bring(jobs, id, job_state::assigned);
  must(jobs, store::move_job{id, job_state::paused, {}, {}, "a person pauses it", "caf-ctl"});
  const auto late = store::move_job{id, job_state::running, {}, 1, "its first chunk has begun", "coordinator"};
  BOOST_TEST((must_fail(jobs, late).kind == error_kind::invalid_transition));
  BOOST_TEST((jobs.find(id)->state == job_state::paused));
}

BOOST_DATA_TEST_CASE(where_the_table_asks_for_the_attempt_it_has_to_be_said, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  const auto id = nth(1);
  must(jobs, a_job(1));
  bring(jobs, id, job_state::running);
  BOOST_TEST(
    (must_fail(jobs, store::move_job{id, job_state::completed, {}, {}, "", ""}).kind == error_kind::stale_attempt));
  must(jobs, store::move_job{id, job_state::cancelled, {}, {}, "by hand", "caf-ctl"});
}

BOOST_DATA_TEST_CASE(a_move_may_ask_for_the_state_that_it_leaves, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  const auto id = nth(1);
  must(jobs, a_job(1));
  bring(jobs, id, job_state::assigned);
  const auto why = must_fail(jobs, store::move_job{id, job_state::failed, job_state::running, 1, "", ""});
  BOOST_TEST((why.kind == error_kind::invalid_transition));
  BOOST_TEST(why.text.find("assigned") != std::string::npos);
  must(jobs, store::move_job{id, job_state::failed, job_state::assigned, 1, "", ""});
}

BOOST_AUTO_TEST_SUITE_END()
