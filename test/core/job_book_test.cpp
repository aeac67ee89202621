// The job book. The test simulates the store, the actors and the users: transitions are written or refused, rows are
// read early and late, actors die. It compares what the book writes, starts and halts.
#include "core/jobs/job_book.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::core;

namespace job_book_test {
namespace {

struct recorder : job_book_effects {
  std::vector<job_way> ways;
  std::vector<std::pair<job_id, uint32_t>> chunks;
  std::vector<std::vector<job_id>> loads;
  std::vector<job_id> looks;
  std::map<job_id, uint32_t> begun;
  std::map<job_id, int> halted;
  std::set<job_id> stopped;
  std::map<uint64_t, job_id> handed;
  std::set<uint64_t> turned_away;
  std::set<job_id> kept;
  std::set<job_id> dropped;
  std::vector<job_state> unknown;
  std::optional<std::string> why_not;
  int wakes = 0;

  void write(const job_way& x) override {
    ways.push_back(x);
  }
  void chunk_waits(const job_row& of, uint32_t number) override {
    chunks.emplace_back(of.id, number);
  }
  void load(const std::vector<job_id>& ids) override {
    loads.push_back(ids);
  }
  void look(job_id id) override {
    looks.push_back(id);
  }
  std::optional<std::string> begin(const job_row& x, uint32_t attempt, uint64_t) override {
    if (!why_not)
      begun[x.id] = attempt;
    return why_not;
  }
  void halt(job_id id) override {
    ++halted[id];
  }
  void end(job_id id) override {
    stopped.insert(id);
  }
  void wake() override {
    ++wakes;
  }
  void hand_over(uint64_t orphan, job_id to) override {
    handed[orphan] = to;
  }
  void turn_away(uint64_t orphan, const std::string&) override {
    turned_away.insert(orphan);
  }
  void keep_folder(job_id id, int64_t) override {
    kept.insert(id);
  }
  void use_folder(job_id id) override {
    kept.erase(id);
  }
  void drop_folder(job_id id) override {
    dropped.insert(id);
  }
  void left_alone(const job_row& x) override {
    unknown.push_back(x.state);
  }
};

constexpr job_id a{1, 1};
constexpr job_id b{1, 2};
constexpr job_id c{1, 3};

struct fixture {
  recorder effects;
  job_book book{{.running_max = 2}, effects};

  static job_row row(job_id id, job_state state, uint32_t attempt = 0) {
    return {.id = id, .number = static_cast<int64_t>(id.low), .state = state, .attempt = attempt};
  }

  void submit(job_id id) {
    book.submitted(row(id, job_state::queued));
  }

  /// Answers the pending `load` with these rows, and removes the resulting transitions from the record.
  void load(const std::vector<job_row>& found) {
    BOOST_REQUIRE(!effects.loads.empty());
    auto asked = effects.loads.front();
    effects.loads.erase(effects.loads.begin());
    book.loaded(asked, found);
  }

  job_way way() {
    BOOST_REQUIRE(!effects.ways.empty());
    auto x = effects.ways.front();
    effects.ways.erase(effects.ways.begin());
    return x;
  }

  /// Answers the book's `look` at this job with this row; empty: the job no longer exists.
  void look(job_id id, const std::optional<job_row>& found) {
    auto i = std::find(effects.looks.begin(), effects.looks.end(), id);
    BOOST_REQUIRE((i != effects.looks.end()));
    effects.looks.erase(i);
    book.looked(id, found ? &*found : nullptr);
  }

  /// A job that runs its first attempt.
  void work_at(job_id id) {
    submit(id);
    book.start_due();
    load({row(id, job_state::queued)});
    book.written(way(), 1);
  }

  size_t loading() const {
    size_t result = 0;
    for (auto& x : effects.loads)
      result += x.size();
    return result;
  }
};

} // namespace
} // namespace job_book_test

BOOST_FIXTURE_TEST_SUITE(job_book_test, fixture)

BOOST_AUTO_TEST_CASE(a_job_is_read_and_begun_when_its_turn_has_come) {
  submit(a);
  BOOST_TEST(effects.wakes == 1);
  book.start_due();
  BOOST_TEST(loading() == 1u);
  load({row(a, job_state::queued, 4)});
  auto x = way();
  BOOST_TEST((x.to == job_state::assigned && x.from == job_state::queued));
  BOOST_TEST(effects.begun.at(a) == 5u);
  BOOST_TEST(book.hears(a, 5));
  BOOST_TEST(!book.hears(a, 4));
}

BOOST_AUTO_TEST_CASE(no_more_jobs_are_at_work_or_read_than_may_be) {
  for (auto id : {a, b, c})
    submit(id);
  book.start_due();
  BOOST_TEST(loading() == 2u);
  load({row(a, job_state::queued), row(b, job_state::queued)});
  book.start_due();
  BOOST_TEST(loading() == 0u);
  book.said_end(a, job_state::completed);
  book.ended(a, 1, 0);
  book.start_due();
  BOOST_TEST(loading() == 1u);
}

BOOST_AUTO_TEST_CASE(nothing_begins_while_the_store_is_out_of_order) {
  submit(a);
  submit(b);
  book.start_due();
  book.store_works(false);
  load({row(a, job_state::queued), row(b, job_state::queued)}); // these rows were read before the store failed
  submit(c);
  book.start_due();
  book.tick();
  BOOST_TEST(loading() == 0u);
  BOOST_TEST(effects.begun.empty());
  book.store_works(true);
  book.start_due();
  BOOST_TEST(loading() == 2u);
}

BOOST_AUTO_TEST_CASE(a_job_that_was_paused_in_the_moment_of_its_turn_is_halted) {
  submit(a);
  book.start_due();
  load({row(a, job_state::queued)}); // a row read before the pause
  book.written(job_book::pause(a), 0);
  book.written(way(), std::nullopt);
  BOOST_TEST(effects.halted[a] == 2);
  book.ended(a, 1, 0);
  look(a, row(a, job_state::paused));
  book.start_due();
  BOOST_TEST(loading() == 0u);
  BOOST_TEST(book.at_work() == 0u);
}

BOOST_AUTO_TEST_CASE(a_pause_is_not_undone_by_an_actors_death) {
  work_at(a);
  book.ended(a, 1, 0);
  look(a, row(a, job_state::running, 1));
  // A user pauses the job before this transition is written.
  auto x = way();
  BOOST_TEST((x.to == job_state::queued && x.from == job_state::running && x.attempt == 1u));
  book.written(job_book::pause(a), 1);
  book.written(x, std::nullopt);
  look(a, row(a, job_state::paused, 1));
  BOOST_TEST(book.at_work() == 0u);
  book.start_due();
  BOOST_TEST(loading() == 0u);
}

BOOST_AUTO_TEST_CASE(a_pause_is_not_undone_by_a_late_row) {
  work_at(a);
  book.look_at(a);
  book.written(job_book::pause(a), 1);
  look(a, row(a, job_state::running, 1)); // a row read before the pause
  book.ended(a, 1, 0);
  look(a, row(a, job_state::paused, 1));
  book.start_due();
  BOOST_TEST(effects.ways.empty());
  BOOST_TEST(loading() == 0u);
}

BOOST_AUTO_TEST_CASE(a_pause_before_the_restart_holds_after_it) {
  book.recover(row(a, job_state::paused, 3));
  book.start_due();
  book.tick();
  BOOST_TEST(effects.ways.empty());
  BOOST_TEST(loading() == 0u);
}

BOOST_AUTO_TEST_CASE(a_job_resumed_while_its_tasks_still_end_waits_for_its_turn) {
  work_at(a);
  book.written(job_book::pause(a), 1);
  book.written(job_book::resume(a), 1);
  book.ended(a, 1, 0);
  look(a, row(a, job_state::queued, 1));
  book.start_due();
  BOOST_TEST(loading() == 1u);
}

BOOST_AUTO_TEST_CASE(a_job_resumed_while_an_older_row_is_read_is_not_lost) {
  work_at(a);
  book.written(job_book::pause(a), 1);
  book.ended(a, 1, 0);
  book.written(job_book::resume(a), 1);
  look(a, row(a, job_state::paused, 1)); // a row read before the job was resumed
  look(a, row(a, job_state::queued, 1));
  book.start_due();
  BOOST_TEST(loading() == 1u);
}

BOOST_AUTO_TEST_CASE(a_job_whose_end_was_overtaken_is_not_lost) {
  work_at(a);
  book.written(job_book::pause(a), 1);
  book.written(job_book::resume(a), 1);
  book.said_end(a, job_state::completed); // the job reported this before it learned of the pause
  book.end_refused(a);
  look(a, row(a, job_state::queued, 1));
  book.ended(a, 1, 0);
  look(a, row(a, job_state::queued, 1));
  book.start_due();
  BOOST_TEST(loading() == 1u);
}

BOOST_AUTO_TEST_CASE(a_job_whose_actor_dies_begins_again_a_few_times) {
  work_at(a);
  for (uint32_t failures = 0;; ++failures) {
    BOOST_REQUIRE(failures < 10u);
    auto seen = row(a, job_state::running, failures + 1);
    seen.failures = failures;
    seen.leased = {2, 5};
    effects.chunks.clear();
    book.ended(a, failures + 1, 0);
    look(a, seen);
    BOOST_TEST(effects.chunks.size() == 2u);
    auto x = way();
    BOOST_TEST((x.failures == failures + 1));
    book.written(x, failures + 1);
    if (x.to == job_state::failed) {
      BOOST_TEST(failures == 3u);
      look(a, row(a, job_state::failed, failures + 1));
      break;
    }
    look(a, row(a, job_state::queued, failures + 1));
    book.start_due();
    load({row(a, job_state::queued, failures + 1)});
    book.written(way(), failures + 2);
  }
  BOOST_TEST(effects.kept.contains(a));
  BOOST_TEST(book.at_work() == 0u);
}

BOOST_AUTO_TEST_CASE(a_job_that_said_its_end_is_over_with_its_actor) {
  work_at(a);
  book.said_end(a, job_state::failed);
  book.ended(a, 1, 7);
  BOOST_TEST(effects.looks.empty());
  BOOST_TEST(effects.kept.contains(a));
  BOOST_TEST(book.at_work() == 0u);
}

BOOST_AUTO_TEST_CASE(a_failed_job_retried_while_its_tasks_still_end_waits_for_its_turn) {
  work_at(a);
  book.said_end(a, job_state::failed);
  book.written(job_book::retry(a), 1);
  book.ended(a, 1, 0);
  look(a, row(a, job_state::queued, 1));
  book.start_due();
  BOOST_TEST(loading() == 1u);
}

BOOST_AUTO_TEST_CASE(a_retry_that_was_stored_though_its_answer_was_lost_is_not_forgotten) {
  work_at(a);
  book.said_end(a, job_state::failed);
  book.look_at(a);
  look(a, row(a, job_state::queued, 1));
  book.ended(a, 1, 0);
  look(a, row(a, job_state::queued, 1));
  book.start_due();
  BOOST_TEST(loading() == 1u);
}

BOOST_AUTO_TEST_CASE(what_people_ask_for_goes_only_from_where_it_makes_sense) {
  BOOST_TEST((job_book::resume(a).from == job_state::paused));
  BOOST_TEST((job_book::retry(a).from == job_state::failed));
  BOOST_TEST((job_book::retry(a).failures == 0u));
  BOOST_TEST(!job_book::pause(a).from);
  BOOST_TEST(!job_book::cancel(a).attempt);
}

BOOST_AUTO_TEST_CASE(a_cancelled_job_ends_at_once_and_leaves_nothing) {
  work_at(a);
  submit(b);
  book.written(job_book::cancel(a), 1);
  book.written(job_book::cancel(b), 0);
  BOOST_TEST(effects.stopped.contains(a));
  BOOST_TEST(effects.dropped.contains(b));
  book.ended(a, 1, 0);
  look(a, row(a, job_state::cancelled, 1));
  BOOST_TEST(effects.dropped.contains(a));
  book.start_due();
  BOOST_TEST(loading() == 0u);
}

BOOST_AUTO_TEST_CASE(a_job_that_cannot_be_begun_fails_and_makes_room) {
  effects.why_not = "a file is in its way";
  submit(a);
  book.start_due();
  load({row(a, job_state::queued)});
  BOOST_TEST((way().to == job_state::assigned));
  auto x = way();
  BOOST_TEST((x.to == job_state::failed && x.from == job_state::assigned && x.attempt == 1u));
  BOOST_TEST((x.error == "a file is in its way"));
  BOOST_TEST(book.at_work() == 0u);
}

BOOST_AUTO_TEST_CASE(a_job_that_was_at_work_waits_again_after_a_restart_with_its_chunks_leased) {
  auto seen = row(a, job_state::running, 2);
  seen.leased = {0, 1};
  book.recover(seen);
  book.start_due();
  BOOST_TEST(loading() == 0u);
  auto x = way();
  BOOST_TEST((x.to == job_state::queued && x.from == job_state::running && x.attempt == 2u));
  book.written(x, 2);
  book.start_due();
  BOOST_TEST(loading() == 1u);
  seen.state = job_state::queued;
  load({seen});
  BOOST_TEST(effects.begun.at(a) == 3u);
  BOOST_TEST(effects.chunks.empty());
}

BOOST_AUTO_TEST_CASE(an_orphan_waits_for_its_job_and_no_longer) {
  book.recover(row(a, job_state::running, 2));
  book.recover(row(b, job_state::queued));
  book.offer(1, a);
  book.offer(2, b);
  book.offer(3, c);
  BOOST_TEST(effects.turned_away == std::set<uint64_t>{3}, boost::test_tools::per_element());
  book.written(way(), 2);
  book.start_due();
  load({row(a, job_state::queued, 2), row(b, job_state::cancelled)});
  BOOST_TEST((effects.handed == std::map<uint64_t, job_id>{{1, a}}));
  book.tick();
  BOOST_TEST(effects.turned_away.contains(2));
  book.offer(4, a);
  BOOST_TEST((effects.handed.at(4) == a));
}

BOOST_AUTO_TEST_CASE(an_orphan_is_not_dropped_while_its_job_is_looked_at) {
  book.look_at(a);
  book.offer(1, a);
  book.tick();
  BOOST_TEST(effects.turned_away.empty());
  book.not_looked(a);
  book.tick();
  BOOST_TEST(effects.turned_away.empty());
  effects.looks.pop_back();
  look(a, row(a, job_state::failed));
  book.tick();
  BOOST_TEST(effects.turned_away.contains(1));
}

BOOST_AUTO_TEST_CASE(a_state_that_is_not_known_is_left_alone_and_said) {
  auto strange = static_cast<job_state>(77);
  book.recover(row(a, strange));
  submit(b);
  book.start_due();
  load({row(b, strange)});
  book.look_at(c);
  look(c, row(c, strange));
  BOOST_TEST(effects.unknown.size() == 3u);
  BOOST_TEST(effects.ways.empty());
  BOOST_TEST(effects.begun.empty());
  BOOST_TEST(book.waiting() == 0u);
  BOOST_TEST(book.at_work() == 0u);
}

BOOST_AUTO_TEST_CASE(a_job_that_cannot_be_read_is_looked_at_until_it_can) {
  submit(a);
  book.start_due();
  book.not_loaded({a});
  effects.loads.clear();
  book.tick();
  book.not_looked(a);
  effects.looks.clear();
  book.tick();
  look(a, row(a, job_state::queued));
  book.start_due();
  BOOST_TEST(loading() == 1u);
}

BOOST_AUTO_TEST_CASE(a_surprise_of_the_store_is_taken_in) {
  // A submission whose client was told that it failed, and that is stored after all.
  book.look_at(a);
  look(a, row(a, job_state::queued));
  book.start_due();
  BOOST_TEST(loading() == 1u);
}

BOOST_AUTO_TEST_CASE(a_job_that_is_no_more_is_forgotten) {
  submit(a);
  book.look_at(a);
  look(a, std::nullopt);
  BOOST_TEST(book.waiting() == 0u);
  work_at(b);
  book.look_at(b);
  look(b, std::nullopt);
  BOOST_TEST(effects.halted[b] == 1);
  book.ended(b, 1, 0);
  BOOST_TEST(book.at_work() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
