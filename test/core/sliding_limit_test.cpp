// How often a client may do something: a burst, a steady rate, one client beside another.
#include "core/trust/sliding_limit.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <vector>

using namespace troupe::core;
using namespace std::chrono_literals;

namespace sliding_limit_test {
namespace {

constexpr sliding_limit::time_point start{};

uint32_t taken(sliding_limit& x, const std::string& client, sliding_limit::time_point now, int tries) {
  uint32_t result = 0;
  for (int i = 0; i < tries; ++i)
    result += x.take(client, now).allowed ? 1 : 0;
  return result;
}

} // namespace
} // namespace sliding_limit_test

BOOST_AUTO_TEST_SUITE(sliding_limit_test)

BOOST_AUTO_TEST_CASE(request_201_of_a_burst_is_one_too_many) {
  sliding_limit limit{200, 2s};
  BOOST_TEST(limit.take("a", start).left == 199u);
  BOOST_TEST(taken(limit, "a", start, 199) == 199u);
  auto x = limit.take("a", start);
  BOOST_TEST(!x.allowed);
  BOOST_TEST(x.left == 0u);
  BOOST_TEST(limit.take("b", start).allowed);
}

BOOST_AUTO_TEST_CASE(the_time_told_is_when_the_next_is_allowed) {
  for (auto burst : {0ms, 300ms, 1999ms}) {
    sliding_limit limit{200, 2s};
    auto now = start + burst;
    BOOST_TEST(taken(limit, "a", now, 1000) == 200u);
    auto again = limit.look("a", now).again;
    BOOST_TEST(!limit.look("a", now + again - 20ms).allowed);
    BOOST_TEST(limit.look("a", now + again).allowed);
  }
}

BOOST_AUTO_TEST_CASE(a_steady_rate_below_the_limit_is_never_refused) {
  sliding_limit limit{200, 2s};
  for (int i = 0; i < 2000; ++i)
    BOOST_TEST(limit.take("a", start + i * 11ms).allowed);
}

BOOST_AUTO_TEST_CASE(who_asks_for_more_gets_the_rate_and_no_more) {
  sliding_limit limit{200, 2s};
  std::mt19937 random{4711};
  std::vector<sliding_limit::time_point> allowed;
  auto now = start;
  for (int i = 0; i < 60'000; ++i) {
    now += std::chrono::microseconds{random() % 2000};
    if (limit.take("a", now).allowed)
      allowed.push_back(now);
  }
  // About a minute at 100 a second. The shares of a window are estimated, so a window may have somewhat more.
  BOOST_TEST(allowed.size() > 5700u);
  BOOST_TEST(allowed.size() < 6300u);
  for (auto i = allowed.begin(); i != allowed.end(); ++i)
    BOOST_TEST(std::count_if(i, allowed.end(), [&](auto x) { return x < *i + 2s; }) < 260);
}

BOOST_AUTO_TEST_CASE(an_older_time_gives_nothing_back) {
  sliding_limit limit{2, 1s};
  BOOST_TEST(taken(limit, "a", start + 5s, 3) == 2u);
  for (auto late : {4s, 3s, 1s}) {
    BOOST_TEST(!limit.look("a", start + late).allowed);
    BOOST_TEST(!limit.take("a", start + late).allowed);
    BOOST_TEST(!limit.take("a", start + 5s).allowed);
  }
}

BOOST_AUTO_TEST_CASE(many_clients_cost_no_more_than_their_limit) {
  sliding_limit limit{2, 1s, 3};
  for (auto name : {"a", "b", "c"})
    BOOST_TEST(taken(limit, name, start, 1) == 1u);
  // There is no room: the others share one count.
  BOOST_TEST(taken(limit, "d", start, 1) == 1u);
  BOOST_TEST(taken(limit, "e", start, 2) == 1u);
  BOOST_TEST(!limit.look("f", start).allowed);
  BOOST_TEST(taken(limit, "a", start, 2) == 1u);
  // Those that are silent for long make room.
  BOOST_TEST(taken(limit, "f", start + 5s, 2) == 2u);
  BOOST_TEST(taken(limit, "g", start + 5s, 2) == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
