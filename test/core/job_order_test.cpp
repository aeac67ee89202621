// The order of jobs. Jobs are added at chosen times and taken out one by one. A random run checks that none is lost and
// that the order equals a sort.
#include "core/jobs/job_order.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <vector>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace job_order_test {
namespace {

struct fixture {
  job_order order{{10s}};
  int64_t submitted = 0;

  job_id add(job_priority priority, int64_t at_ms, job_queue queue = job_queue::normal) {
    job_id id{1, static_cast<uint64_t>(++submitted)};
    BOOST_TEST(order.add({id, submitted, queue, priority, at_ms}));
    return id;
  }

  std::vector<job_id> take_all() {
    std::vector<job_id> result;
    while (auto x = order.take())
      result.push_back(*x);
    return result;
  }
};

} // namespace
} // namespace job_order_test

BOOST_FIXTURE_TEST_SUITE(job_order_test, fixture)

BOOST_AUTO_TEST_CASE(within_a_class_the_first_come_is_the_first_served) {
  auto a = add(job_priority::medium, 100);
  auto b = add(job_priority::medium, 100);
  auto c = add(job_priority::medium, 99);
  BOOST_TEST((take_all() == std::vector{c, a, b}));
}

BOOST_AUTO_TEST_CASE(an_urgent_job_goes_before_one_that_came_earlier) {
  auto low = add(job_priority::low, 0);
  auto high = add(job_priority::high, 5'000);
  auto live = add(job_priority::batch, 6'000, job_queue::live);
  BOOST_TEST((take_all() == std::vector{live, high, low}));
}

BOOST_AUTO_TEST_CASE(a_job_that_has_waited_a_step_for_each_class_between_is_next) {
  auto low = add(job_priority::low, 0);
  auto newcomer = add(job_priority::high, 20'001);
  BOOST_TEST((take_all() == std::vector{low, newcomer}));
}

BOOST_AUTO_TEST_CASE(what_is_removed_or_added_twice_is_told) {
  auto a = add(job_priority::medium, 0);
  auto b = add(job_priority::medium, 0);
  BOOST_TEST(!order.add({a, 1, {}, {}, 0}));
  BOOST_TEST(order.remove(a));
  BOOST_TEST(!order.remove(a));
  BOOST_TEST(order.remove(b));
  BOOST_TEST(order.size() == 0u);
  BOOST_TEST(take_all().empty());
}

BOOST_AUTO_TEST_CASE(many_jobs_come_out_once_each_and_sorted) {
  std::mt19937 random{1};
  std::vector<std::tuple<int64_t, int64_t, job_id>> expected;
  for (int i = 0; i < 10'000; ++i) {
    auto priority = static_cast<job_priority>(random() % 5);
    auto at = static_cast<int64_t>(random() % 100'000);
    auto id = add(priority, at);
    expected.emplace_back(at + 10'000 * (5 + static_cast<int64_t>(priority)), submitted, id);
  }
  std::sort(expected.begin(), expected.end());
  auto taken = take_all();
  BOOST_REQUIRE(taken.size() == expected.size());
  for (size_t i = 0; i < taken.size(); ++i)
    BOOST_REQUIRE((taken[i] == std::get<2>(expected[i])));
}

BOOST_AUTO_TEST_SUITE_END()
