// Goal: pauses grow, are bounded, and differ between clients that wait together. Method: many calls with fixed seeds.
#include "core/back_off.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace troupe::core;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

BOOST_AUTO_TEST_SUITE(back_off_test)

BOOST_AUTO_TEST_CASE(each_pause_lies_between_a_half_and_the_whole_of_one_that_doubles_up_to_the_longest) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    back_off x{250ms, 10s, seed};
    auto whole = 250ms;
    for (int i = 0; i < 12; ++i) {
      auto pause = x.next();
      BOOST_TEST((pause >= whole / 2 && pause <= whole), pause.count() << " ms of " << whole.count());
      whole = std::min<milliseconds>(whole * 2, 10s);
    }
  }
}

BOOST_AUTO_TEST_CASE(after_a_success_the_pauses_are_short_again) {
  back_off x{250ms, 10s, 1};
  for (int i = 0; i < 10; ++i)
    (void)x.next();
  BOOST_TEST((x.next() >= 5s));
  x.reset();
  BOOST_TEST((x.next() <= 250ms));
}

BOOST_AUTO_TEST_CASE(a_hundred_that_wait_together_come_back_one_by_one) {
  std::set<int64_t> first;
  std::set<int64_t> fifth;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    back_off x{250ms, 10s, seed};
    first.insert(x.next().count());
    for (int i = 0; i < 3; ++i)
      (void)x.next();
    fifth.insert(x.next().count() / 20);
  }
  BOOST_TEST(first.size() > 45u);                       // of 126 possible pauses
  BOOST_TEST(fifth.size() > 45u);                       // of 101 possible steps of 20 ms
  BOOST_TEST((*first.rbegin() - *first.begin()) > 100); // almost the whole range
}

BOOST_AUTO_TEST_CASE(a_seed_gives_the_same_pauses_again) {
  back_off a{250ms, 10s, 42};
  back_off b{250ms, 10s, 42};
  for (int i = 0; i < 20; ++i)
    BOOST_TEST((a.next() == b.next()));
}

BOOST_AUTO_TEST_CASE(limits_that_make_no_sense_give_a_pause_all_the_same) {
  back_off nothing{0ms, 0ms, 1};
  back_off crossed{10s, 1s, 1};
  for (int i = 0; i < 100; ++i) {
    BOOST_TEST((nothing.next() == 1ms));
    auto pause = crossed.next();
    BOOST_TEST((pause >= 500ms && pause <= 1s));
  }
}

BOOST_AUTO_TEST_SUITE_END()
