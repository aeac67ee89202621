// Goal: a worker that keeps failing gets no work, then one task as a trial, and is trusted again by the trial's
// outcome. Method: the breaker gets failures and times; a seeded run checks the invariants after any order of events.
#include "core/breaker.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace breaker_test {
namespace {

struct fixture {
  breaker_config config;
  breaker x{config};
  time_point now{1000s};
  uint64_t last = 0;

  /// Begins a lease: the worker is chosen for it, and its task starts to work.
  lease_id begin() {
    lease_id id{++last};
    x.chosen(id);
    x.started(id, now);
    return id;
  }

  void fail(int times = 1) {
    for (int i = 0; i < times; ++i)
      fail_at("film " + std::to_string(last), "it crashed");
  }

  void fail_at(const std::string& input, std::string_view reason) {
    x.failed(begin(), input, reason, now);
  }

  void wait(milliseconds time) {
    now += time;
    x.tick(now);
  }
};

} // namespace
} // namespace breaker_test

BOOST_TEST_DONT_PRINT_LOG_VALUE(breaker_state)

BOOST_FIXTURE_TEST_SUITE(breaker_test, fixture)

BOOST_AUTO_TEST_CASE(so_many_failures_in_time_open_it_and_fewer_do_not) {
  fail(2);
  wait(config.window + 1ms);
  fail(2);
  BOOST_TEST(x.state() == breaker_state::closed);
  BOOST_TEST(x.takes_work());
  BOOST_TEST(x.failures() == 2u);
  fail();
  BOOST_TEST(x.state() == breaker_state::open);
  BOOST_TEST(!x.takes_work());
  BOOST_TEST((x.until() == now + config.back_off));
  BOOST_TEST(x.reason() == "3 tasks died or hung lately, the latest: it crashed");
}

BOOST_AUTO_TEST_CASE(one_input_that_kills_task_after_task_counts_once) {
  for (int i = 0; i < 20; ++i)
    fail_at("the same film", "it crashed");
  BOOST_TEST(x.failures() == 1u);
  BOOST_TEST(x.state() == breaker_state::closed);
  fail_at("another film", "it crashed");
  BOOST_TEST(x.state() == breaker_state::closed);
  fail_at("a third film", "it crashed");
  BOOST_TEST(x.state() == breaker_state::open);
}

BOOST_AUTO_TEST_CASE(after_the_back_off_one_task_at_a_time_is_on_trial) {
  fail(3);
  wait(config.back_off - 1ms);
  BOOST_TEST(!x.takes_work());
  wait(1ms);
  BOOST_TEST(x.state() == breaker_state::half_open);
  BOOST_TEST(x.takes_work());
  x.chosen(lease_id{90});
  BOOST_TEST(!x.takes_work());
  x.not_used(lease_id{90}); // the worker's host refused the lease, which says nothing about its health
  BOOST_TEST(x.takes_work());
  BOOST_TEST(x.state() == breaker_state::half_open);
}

BOOST_AUTO_TEST_CASE(a_trial_that_runs_well_for_a_while_closes_it) {
  fail(3);
  wait(config.back_off);
  x.chosen(lease_id{90});
  wait(config.well_after); // the trial waits for its process all this time
  BOOST_TEST(x.state() == breaker_state::half_open);
  x.started(lease_id{90}, now);
  wait(config.well_after - 1ms);
  BOOST_TEST(x.state() == breaker_state::half_open);
  wait(1ms);
  BOOST_TEST(x.state() == breaker_state::closed);
  BOOST_TEST(x.takes_work());
  BOOST_TEST(x.failures() == 0u);
  BOOST_TEST(x.reason().empty());
}

BOOST_AUTO_TEST_CASE(a_trial_that_ends_regularly_closes_it_and_other_tasks_do_not) {
  auto old = begin();
  fail(3);
  wait(config.back_off);
  x.ended_well(old);
  BOOST_TEST(x.state() == breaker_state::half_open);
  x.ended_well(begin());
  BOOST_TEST(x.state() == breaker_state::closed);
}

BOOST_AUTO_TEST_CASE(each_failed_trial_doubles_the_back_off_up_to_the_longest_and_a_good_one_resets_it) {
  fail(3);
  auto expected = config.back_off;
  for (int i = 0; i < 10; ++i) {
    BOOST_TEST((x.until() - now == expected));
    wait(expected);
    BOOST_TEST(x.state() == breaker_state::half_open);
    fail();
    BOOST_TEST(x.state() == breaker_state::open);
    BOOST_TEST(x.reason() == "the task on trial failed: it crashed");
    expected = std::min(expected * 2, config.max_back_off);
  }
  BOOST_TEST((expected == config.max_back_off));
  wait(expected);
  x.ended_well(begin());
  fail(2);
  BOOST_TEST(x.state() == breaker_state::closed);
  fail();
  BOOST_TEST((x.until() - now == config.back_off));
}

BOOST_AUTO_TEST_CASE(what_fails_while_it_is_open_does_not_prolong_it) {
  std::vector<lease_id> together;
  for (int i = 0; i < 20; ++i)
    together.push_back(begin());
  for (auto id : together)
    x.failed(id, to_string(id), "the machine went down", now);
  BOOST_TEST(x.state() == breaker_state::open);
  BOOST_TEST((x.until() - now == config.back_off));
}

BOOST_AUTO_TEST_CASE(an_old_task_that_fails_beside_the_trial_reopens_it) {
  auto old = begin();
  fail(3);
  wait(config.back_off);
  auto trial = begin();
  x.failed(old, "old", "it crashed", now);
  BOOST_TEST(x.state() == breaker_state::open);
  BOOST_TEST((x.until() - now == 2 * config.back_off));
  x.ended_well(trial); // ignored: the breaker has opened again meanwhile
  BOOST_TEST(x.state() == breaker_state::open);
}

BOOST_AUTO_TEST_CASE(a_reset_forgets_everything) {
  fail(3);
  x.reset();
  BOOST_TEST(x.state() == breaker_state::closed);
  BOOST_TEST(x.failures() == 0u);
  fail(2);
  BOOST_TEST(x.state() == breaker_state::closed);
}

BOOST_AUTO_TEST_CASE(a_reason_from_outside_is_kept_short) {
  for (int i = 0; i < 3; ++i)
    fail_at("film " + std::to_string(last), std::string(1'000'000, 'x'));
  BOOST_TEST(x.reason().size() < 400u);
}

BOOST_AUTO_TEST_CASE(whatever_happens_at_most_one_task_is_on_trial_and_the_pause_is_within_its_limits) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random{seed};
    breaker b{config};
    std::set<uint64_t> live;
    std::set<uint64_t> begun_half_open;
    for (int step = 0; step < 2'000; ++step) {
      now += milliseconds{random() % 3'000};
      b.tick(now);
      auto half_open = b.state() == breaker_state::half_open;
      if (!half_open)
        begun_half_open.clear();
      if (b.takes_work() && random() % 2 == 0) {
        lease_id id{++last};
        b.chosen(id);
        b.started(id, now);
        live.insert(id.value);
        if (half_open)
          begun_half_open.insert(id.value);
      } else if (!live.empty() && random() % 3 == 0) {
        auto i = std::next(live.begin(), static_cast<long>(random() % live.size()));
        lease_id id{*i};
        live.erase(i);
        begun_half_open.erase(id.value);
        if (random() % 2 == 0)
          b.failed(id, to_string(id), "it crashed", now);
        else if (random() % 2 == 0)
          b.ended_well(id);
        else
          b.not_used(id);
      }
      BOOST_REQUIRE_MESSAGE(begun_half_open.size() <= 1 || b.state() != breaker_state::half_open, "seed " << seed);
      if (b.state() == breaker_state::open)
        BOOST_REQUIRE_MESSAGE(b.until() - now <= config.max_back_off, "seed " << seed);
    }
    // Whatever happened before, the worker gets work again after the longest back-off.
    now += config.max_back_off;
    b.tick(now);
    for (auto id : live)
      b.ended_well(lease_id{id});
    BOOST_REQUIRE_MESSAGE(b.takes_work(), "seed " << seed);
  }
}

BOOST_AUTO_TEST_SUITE_END()
