// The store returns what it was given, in both databases: texts byte for byte, batches with a result for each
// operation, repeated submissions, plans, removal, and pages that together are the whole list.
#include "store/limits.hpp"
#include "store/text.hpp"
#include "test/store/databases.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <set>

using namespace troupe;
using namespace troupe::test;
using store::error_kind;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(jobs_test)

namespace {

/// Quotes, characters with a meaning in SQL, LIKE and SOCI, UTF-8 sequences of every length, and the largest allowed
/// request.
std::string hostile(size_t bytes) {
  const std::string bit = R"('; DROP TABLE jobs; -- " \ :id %_ ::text $1 ? {"a":"\u0000"} )"
                          "\n\t\x7f\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xac";
  std::string result;
  while (result.size() + bit.size() <= bytes)
    result += bit;
  return result + std::string(bytes - result.size(), '\'');
}

std::vector<job_id> ids_of(const std::vector<store::job_summary>& rows) {
  std::vector<job_id> result;
  for (const auto& row : rows)
    result.push_back(row.id);
  return result;
}

/// The whole list, in pages of that size.
std::vector<job_id> all_pages(store::job_store& on, const store::job_filter& filter, size_t rows) {
  std::vector<job_id> result;
  std::optional<store::page_cursor> next;
  do {
    auto page = on.list(filter, next, rows);
    BOOST_REQUIRE(page.has_value());
    BOOST_TEST(page->rows.size() <= rows);
    const auto ids = ids_of(page->rows);
    result.insert(result.end(), ids.begin(), ids.end());
    next = page->next;
  } while (next);
  return result;
}

} // namespace

BOOST_DATA_TEST_CASE(hostile_texts_come_back_to_the_byte, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  {
    auto jobs = database.open();
    auto job = a_job(1);
    job.name = "'; DROP TABLE jobs; -- \" \\ :id %_ \xf0\x9f\x8e\xac";
    job.request = hostile(store::limits::request_bytes);
    job.idempotency_key = hostile(200);
    job.callback_url = "http://host/?a=':b";
    job.priority = job_priority::batch;
    job.queue = job_queue::batch;
    must(jobs, job);
    store::job_changes changes;
    changes.error = hostile(store::limits::error_bytes);
    changes.result = hostile(5'000);
    must(jobs, store::edit_job{nth(1), {}, changes});
  }
  auto jobs = database.open();
  const auto job = jobs.find(nth(1)).value();
  BOOST_TEST(job.name == "'; DROP TABLE jobs; -- \" \\ :id %_ \xf0\x9f\x8e\xac");
  BOOST_TEST((job.request == hostile(store::limits::request_bytes)));
  BOOST_TEST((job.idempotency_key == hostile(200)));
  BOOST_TEST((job.error == hostile(store::limits::error_bytes)));
  BOOST_TEST((job.result == hostile(5'000)));
  BOOST_TEST((job.priority == job_priority::batch));
  BOOST_TEST((job.queue == job_queue::batch));
  BOOST_TEST((jobs.find_by_key(hostile(200)).value() == job));
  BOOST_TEST(jobs.open_jobs({}, 10).value().rows.size() == 1);
}

BOOST_DATA_TEST_CASE(what_is_no_text_or_too_large_is_refused_alike, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  std::vector<store::submit_job> bad(6, a_job(1));
  bad[0].request = std::string{"a\0b", 3};
  bad[1].request = "\xc3(";
  bad[2].request = "\xed\xa0\x80"; // half of a surrogate pair
  bad[3].request = std::string(store::limits::request_bytes + 1, 'x');
  bad[4].name = "two\nlines";
  bad[5].id = {};
  for (const auto& job : bad)
    BOOST_TEST((must_fail(jobs, job).kind == error_kind::invalid_argument));
  BOOST_TEST(database.ask("SELECT count(*) FROM jobs") == 0);
}

BOOST_AUTO_TEST_CASE(words_that_quote_anything_are_made_fit_to_be_stored) {
  store::move_job x;
  x.why = std::string(store::limits::reason_bytes - 1, 'x') + "\xc3\xa4";
  x.changes.error = "cannot read /srv/caf\xe9.mp4";
  store::operation job = x;
  store::mend_words(job);
  auto& mended = std::get<store::move_job>(job);
  BOOST_TEST(mended.why == std::string(store::limits::reason_bytes - 1, 'x'));
  BOOST_TEST(*mended.changes.error == "cannot read /srv/caf?.mp4");
  store::operation chunk = store::move_chunk{nth(1), 0, chunk_state::waiting, {}, "it\xff", "node", {}, {}};
  store::mend_words(chunk);
  BOOST_TEST(std::get<store::move_chunk>(chunk).why == "it?");
  BOOST_TEST(store::check(chunk).has_value());
}

BOOST_DATA_TEST_CASE(the_same_submission_again_is_the_same_job, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  auto first = a_job(1);
  first.idempotency_key = "key";
  BOOST_TEST(!must(jobs, first).existed);
  BOOST_TEST(must(jobs, first).existed); // the answer was lost, and the caller asks again

  auto again = a_job(2);
  again.idempotency_key = "key";
  const auto outcome = must(jobs, again);
  BOOST_TEST(outcome.existed);
  BOOST_TEST((outcome.id == nth(1)));

  again.request = "another";
  const auto why = must_fail(jobs, again);
  BOOST_TEST((why.kind == error_kind::constraint));
  BOOST_TEST(why.text.find(to_string(nth(1))) != std::string::npos);
  BOOST_TEST((jobs.find(nth(2)).error().kind == error_kind::not_found));
  BOOST_TEST((jobs.find_by_key("key")->id == nth(1)));

  must(jobs, a_job(3)); // jobs without a key do not collide
  must(jobs, a_job(4));
  BOOST_TEST(database.ask("SELECT count(*) FROM history") == 3);
  check_consistent(database);
}

BOOST_DATA_TEST_CASE(a_bad_operation_does_not_undo_the_others, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  must(jobs, a_job(1));
  must(jobs, store::add_chunks{nth(1), {}, {{7, chunk_kind::video, 0, 1}}});
  auto too_large = a_job(9);
  too_large.request = std::string(store::limits::request_bytes + 1, 'x');
  std::vector<store::operation> batch{
    a_job(2),
    store::move_job{nth(1), job_state::completed, {}, 0, "", ""}, // from queued
    too_large,
    store::move_job{nth(2), job_state::assigned, {}, {}, "", "w"},
    store::move_job{nth(99), job_state::assigned, {}, {}, "", "w"}, // unknown
    a_job(3),
  };
  auto check = [&](const std::vector<store::expected<store::outcome>>& done) {
    BOOST_REQUIRE(done.size() == batch.size());
    BOOST_TEST(done[0].has_value());
    BOOST_TEST((done[1].error().kind == error_kind::invalid_transition));
    BOOST_TEST((done[2].error().kind == error_kind::invalid_argument));
    BOOST_TEST(done[3].has_value());
    BOOST_TEST((done[4].error().kind == error_kind::not_found));
    BOOST_TEST(done[5].has_value());
  };
  check(jobs.apply(batch, test_time_ms).value());
  check_consistent(database);

  // An operation that fails in the middle of its writing takes back its own writes, and only those.
  batch = {a_job(12),
           store::move_job{nth(1), job_state::completed, {}, 0, "", ""},
           too_large,
           store::move_job{nth(12), job_state::assigned, {}, {}, "", "w"},
           store::move_job{nth(99), job_state::assigned, {}, {}, "", "w"},
           a_job(13),
           store::add_chunks{nth(1), {}, {{5, chunk_kind::video, 0, 1}, {7, chunk_kind::video, 0, 1}}}};
  const auto done = jobs.apply(batch, test_time_ms).value();
  check(done);
  BOOST_TEST((done[6].error().kind == error_kind::constraint));
  BOOST_TEST(jobs.chunks(nth(1), {}, 10)->rows.size() == 1);
  BOOST_TEST(database.ask("SELECT count(*) FROM jobs") == 5);
  check_consistent(database);
}

BOOST_DATA_TEST_CASE(finished_chunks_outlive_a_restart, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  const store::chunk_result result{"chunks/0.nut", 1ULL << 40, std::string(64, 'f'), 250, -1, 900'000'000'000};
  {
    auto jobs = database.open();
    must(jobs, a_job(1));
    bring(jobs, nth(1), job_state::running);
    must(jobs, store::add_chunks{nth(1), 1, {{0, chunk_kind::video, -90'000, 0}, {1, chunk_kind::audio, 0, 90'000}}});
    must(jobs, store::move_chunk{nth(1), 0, chunk_state::leased, {}, "", "w1", {}, {}});
    must(jobs, store::move_chunk{nth(1), 0, chunk_state::done, 1, "", "w1", {}, result});
    must(jobs, store::move_chunk{nth(1), 1, chunk_state::leased, {}, "", "w2", 3, {}});
    BOOST_TEST((must_fail(jobs, store::move_chunk{nth(1), 1, chunk_state::done, 1, "", "w2", {}, {}}).kind
                == error_kind::invalid_argument));
  }
  auto jobs = database.open();
  const auto open = jobs.open_jobs({}, 10).value();
  BOOST_REQUIRE(open.rows.size() == 1);
  BOOST_REQUIRE(open.rows[0].chunks.size() == 2);
  const auto& first = open.rows[0].chunks[0];
  const auto& second = open.rows[0].chunks[1];
  BOOST_TEST((first.state == chunk_state::done));
  BOOST_TEST((first.result == result));
  BOOST_TEST(first.from_pts == -90'000);
  BOOST_TEST((second.kind == chunk_kind::audio));
  BOOST_TEST((second.state == chunk_state::leased));
  BOOST_TEST(second.worker == "w2");
  BOOST_TEST(second.failures == 3);

  // The chunks of a job that has ended cannot be changed or removed. After a retry they are the same, and can be
  // removed.
  must(jobs, store::move_job{nth(1), job_state::failed, {}, 1, "", ""});
  BOOST_TEST((must_fail(jobs, store::move_chunk{nth(1), 1, chunk_state::waiting, 1, "", "", {}, {}}).kind
              == error_kind::invalid_transition));
  BOOST_TEST((must_fail(jobs, store::remove_chunks{nth(1), {}}).kind == error_kind::invalid_transition));
  must(jobs, store::move_job{nth(1), job_state::queued, {}, {}, "retry", ""});
  BOOST_TEST((jobs.chunks(nth(1), {}, 10)->rows.front() == first));
  must(jobs, store::remove_chunks{nth(1), {}});
  BOOST_TEST(jobs.chunks(nth(1), {}, 10)->rows.empty());
}

BOOST_DATA_TEST_CASE(only_a_job_that_has_ended_can_be_removed, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  must(jobs, a_job(1));
  must(jobs, store::add_chunks{nth(1), {}, {{0, chunk_kind::video, 0, 1}}});
  const auto why = must_fail(jobs, store::remove_job{nth(1)});
  BOOST_TEST((why.kind == error_kind::invalid_transition));
  BOOST_TEST(why.text.find("queued") != std::string::npos);
  must(jobs, a_move(jobs, nth(1), job_state::cancelled));
  must(jobs, store::remove_job{nth(1)});
  BOOST_TEST((jobs.find(nth(1)).error().kind == error_kind::not_found));
  BOOST_TEST((jobs.chunks(nth(1), {}, 1).error().kind == error_kind::not_found));
  BOOST_TEST((jobs.history(nth(1), {}, 1).error().kind == error_kind::not_found));
  BOOST_TEST(database.ask("SELECT (SELECT count(*) FROM chunks) + (SELECT count(*) FROM history)") == 0);
  BOOST_TEST(jobs.counts()->empty());
  BOOST_TEST((must_fail(jobs, store::remove_job{nth(1)}).kind == error_kind::not_found));
}

BOOST_DATA_TEST_CASE(pages_are_the_whole_list_newest_first, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  std::vector<store::operation> batch;
  std::vector<job_id> newest_first;
  for (uint64_t n = 1; n <= 25; ++n) {
    auto job = a_job(n);
    job.name = n % 2 ? "Odd_" + std::to_string(n) : "EVEN%" + std::to_string(n);
    job.queue = n % 5 ? job_queue::normal : job_queue::batch;
    batch.emplace_back(job);
    newest_first.insert(newest_first.begin(), job.id);
  }
  // Two submission times: jobs with the same time are in the order of submission.
  BOOST_REQUIRE(jobs.apply(std::span{batch}.first(10), test_time_ms).has_value());
  BOOST_REQUIRE(jobs.apply(std::span{batch}.subspan(10), test_time_ms + 1).has_value());
  bring(jobs, nth(3), job_state::assigned);
  bring(jobs, nth(8), job_state::paused);

  auto where = [&](auto keep) {
    std::vector<job_id> result;
    for (auto id : newest_first)
      if (keep(id.low))
        result.push_back(id);
    return result;
  };
  store::job_filter all;
  for (size_t rows : {1, 7, 25, 1000})
    BOOST_TEST((all_pages(jobs, all, rows) == newest_first));
  store::job_filter by_state;
  by_state.states = {job_state::assigned, job_state::paused};
  BOOST_TEST((all_pages(jobs, by_state, 1) == where([](auto n) { return n == 3 || n == 8; })));
  store::job_filter by_queue;
  by_queue.queue = job_queue::batch;
  BOOST_TEST((all_pages(jobs, by_queue, 2) == where([](auto n) { return n % 5 == 0; })));
  store::job_filter by_time;
  by_time.submitted_to_ms = test_time_ms + 1;
  BOOST_TEST((all_pages(jobs, by_time, 3) == where([](auto n) { return n <= 10; })));
  by_time = {};
  by_time.submitted_from_ms = test_time_ms + 1;
  BOOST_TEST((all_pages(jobs, by_time, 3) == where([](auto n) { return n > 10; })));
  store::job_filter by_text;
  by_text.text = "oDD_"; // the underscore is literal
  BOOST_TEST((all_pages(jobs, by_text, 3) == where([](auto n) { return n % 2 == 1; })));
  by_text.text = "even%2";
  by_text.queue = job_queue::batch;
  BOOST_TEST((all_pages(jobs, by_text, 3) == where([](auto n) { return n == 20; })));
  by_text = {};
  by_text.text = "_";
  BOOST_TEST((all_pages(jobs, by_text, 30) == where([](auto n) { return n % 2 == 1; })));
  by_text.text = to_string(nth(4));
  BOOST_TEST((all_pages(jobs, by_text, 3) == where([](auto n) { return n == 4; })));
  by_text.text = std::string{"a\0b", 3};
  BOOST_TEST((jobs.list(by_text, {}, 3).error().kind == error_kind::invalid_argument));

  BOOST_TEST((jobs.counts().value()
              == std::vector<store::state_count>{{job_queue::normal, job_state::queued, 18},
                                                 {job_queue::normal, job_state::assigned, 1},
                                                 {job_queue::normal, job_state::paused, 1},
                                                 {job_queue::batch, job_state::queued, 5}}));
}

BOOST_DATA_TEST_CASE(open_jobs_come_by_priority_and_then_first_come_first_served, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  std::vector<job_id> expected;
  for (auto priority : {job_priority::live, job_priority::medium, job_priority::batch})
    for (uint64_t n = 1; n <= 9; ++n)
      if (n % 3 == static_cast<uint64_t>(priority) / 2)
        expected.push_back(nth(n));
  for (uint64_t n = 1; n <= 9; ++n) {
    auto job = a_job(n);
    job.priority = static_cast<job_priority>(n % 3 * 2);
    job.request = std::string(store::limits::request_bytes, 'x');
    must(jobs, job);
    must(jobs, store::add_chunks{job.id, {}, {{0, chunk_kind::video, 0, static_cast<int64_t>(n)}}});
  }
  must(jobs, a_job(10));
  bring(jobs, nth(10), job_state::completed);
  for (size_t rows : {1, 4, 9, 1000}) {
    std::vector<job_id> read;
    std::optional<store::page_cursor> next;
    do {
      auto page = jobs.open_jobs(next, rows);
      BOOST_REQUIRE(page.has_value());
      for (const auto& x : page->rows) {
        read.push_back(x.the_job.id);
        BOOST_REQUIRE(x.chunks.size() == 1);
        BOOST_TEST(x.chunks.front().to_pts == static_cast<int64_t>(x.the_job.id.low));
      }
      next = page->next;
    } while (next);
    BOOST_TEST((read == expected));
  }
  // Seventeen jobs of a megabyte are more than a page holds.
  for (uint64_t n = 11; n <= 18; ++n) {
    auto job = a_job(n);
    job.request = std::string(store::limits::request_bytes, 'x');
    must(jobs, job);
  }
  const auto page = jobs.open_jobs({}, 1000).value();
  BOOST_TEST(page.rows.size() < 17);
  BOOST_TEST(page.next.has_value());
}

BOOST_DATA_TEST_CASE(history_and_chunks_come_in_pages, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  must(jobs, a_job(1));
  std::vector<store::chunk_plan> plan;
  for (uint32_t n = 0; n < 10; ++n)
    plan.push_back({n, chunk_kind::video, n, n + 1});
  must(jobs, store::add_chunks{nth(1), {}, plan});
  for (uint32_t n = 0; n < 10; ++n)
    must(jobs, store::move_chunk{nth(1), n, chunk_state::leased, {}, "", "w", {}, {}});
  uint32_t number = 0;
  std::optional<store::page_cursor> next;
  do {
    const auto page = jobs.chunks(nth(1), next, 3).value();
    for (const auto& x : page.rows)
      BOOST_TEST(x.number == number++);
    next = page.next;
  } while (next);
  BOOST_TEST(number == 10);
  std::set<int64_t> seen;
  do {
    const auto page = jobs.history(nth(1), next, 4).value();
    for (const auto& x : page.rows)
      BOOST_TEST(seen.insert(x.number).second);
    next = page.next;
  } while (next);
  BOOST_TEST(seen.size() == 11);
}

BOOST_DATA_TEST_CASE(an_open_job_in_an_unknown_state_is_named_and_hides_no_other, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  auto jobs = database.open();
  for (uint64_t n = 1; n <= 3; ++n)
    must(jobs, a_job(n));
  database.tell("UPDATE jobs SET state = 'held' WHERE id = '" + to_string(nth(2)) + "'");
  const auto open = jobs.open_jobs({}, 10).value();
  BOOST_REQUIRE(open.rows.size() == 2);
  BOOST_TEST((open.rows[0].the_job.id == nth(1)));
  BOOST_TEST((open.rows[1].the_job.id == nth(3)));
  BOOST_REQUIRE(open.unread.size() == 1);
  BOOST_TEST(open.unread[0].find(to_string(nth(2))) != std::string::npos);
  BOOST_TEST(open.unread[0].find("'held'") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
