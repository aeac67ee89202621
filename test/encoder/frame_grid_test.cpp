// Goal: even times reveal the grid behind their rounding, other times reveal none. Method: times of known pictures,
// rounded as containers do.
#include "encoder/frame_grid.hpp"
#include "encoder/track.hpp"

extern "C" {
#include <libavutil/mathematics.h>
}

#include <boost/test/unit_test.hpp>

#include <vector>

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(frame_grid_test)

namespace {

/// Times of `count` pictures of a rate, as a container whose time base is `base` writes them.
std::vector<int64_t> rounded(AVRational rate, AVRational base, int count, int64_t first = 0) {
  std::vector<int64_t> result;
  for (auto n = 0; n < count; ++n) {
    // In nanoseconds, so that nothing else rounds.
    auto exact = av_rescale(first, 1'000'000'000, 90'000) + av_rescale(n, int64_t{1'000'000'000} * rate.den, rate.num);
    auto written = av_rescale_q(exact, {1, 1'000'000'000}, base);
    result.push_back(av_rescale_q(written, base, av::time_base));
  }
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_grid_behind_rounded_times_is_found) {
  for (auto base : {AVRational{1, 1'000}, {1, 600}, {1, 90'000}, {1, 48'000}})
    for (auto rate : {AVRational{24'000, 1'001}, {25, 1}, {30'000, 1'001}, {50, 1}, {60, 1}, {60'000, 1'001}, {15, 2}})
      for (int64_t first : {0, 1'920, 901'931})
        BOOST_TEST_CONTEXT(rate.num << "/" << rate.den << " in 1/" << base.den << " s from " << first) {
          auto times = rounded(rate, base, 5'000, first);
          auto grid = av::find_grid(times, {0, 1});
          BOOST_REQUIRE(grid.has_value());
          BOOST_TEST(av_cmp_q(grid->rate, rate) == 0);
          for (size_t n = 0; n < times.size(); ++n) {
            BOOST_REQUIRE(grid->find(times[n]).has_value());
            BOOST_REQUIRE(*grid->find(times[n]) == static_cast<int64_t>(n));
            BOOST_REQUIRE(grid->snap(times[n]) == grid->ticks_of(static_cast<int64_t>(n)));
          }
        }
}

BOOST_AUTO_TEST_CASE(places_may_be_empty) {
  auto times = rounded({30, 1}, {1, 1'000}, 600);
  times.erase(times.begin() + 90, times.begin() + 540);
  times.erase(times.begin() + 31);
  auto grid = av::find_grid(times, {5, 1});
  BOOST_REQUIRE(grid.has_value());
  BOOST_TEST(av_cmp_q(grid->rate, AVRational{30, 1}) == 0);
  BOOST_TEST(grid->number_of(times.back()) == 599);
}

BOOST_AUTO_TEST_CASE(a_rate_that_is_claimed_with_few_digits_is_the_usual_one) {
  auto grid = av::find_grid(rounded({24'000, 1'001}, {1, 1'000}, 20), {2'398, 100});
  BOOST_REQUIRE(grid.has_value());
  BOOST_TEST(av_cmp_q(grid->rate, AVRational{24'000, 1'001}) == 0);
  // The container claims twice the true rate, so that every other place of the claimed grid is empty.
  grid = av::find_grid(rounded({25, 1}, {1, 1'000}, 100), {50, 1});
  BOOST_REQUIRE(grid.has_value());
  BOOST_TEST(av_cmp_q(grid->rate, AVRational{25, 1}) == 0);
}

BOOST_AUTO_TEST_CASE(a_rate_of_its_own_is_found_where_times_are_exact) {
  std::vector<int64_t> times;
  for (int64_t n = 0; n < 50; ++n)
    times.push_back(7 + n * 3'811);
  auto grid = av::find_grid(times, {0, 1});
  BOOST_REQUIRE(grid.has_value());
  BOOST_TEST(grid->ticks_of(49) == times.back());
}

BOOST_AUTO_TEST_CASE(times_without_a_rate_have_no_grid) {
  std::vector<int64_t> times;
  for (int64_t n = 0; n < 200; ++n)
    times.push_back(n * 3'000 + n * n * 11 % 1'300);
  BOOST_TEST(!av::find_grid(times, {30, 1}).has_value());
  // A joint that is no whole number of pictures long.
  times = rounded({25, 1}, {1, 90'000}, 100);
  for (size_t i = 50; i < times.size(); ++i)
    times[i] += 1'001;
  BOOST_TEST(!av::find_grid(times, {25, 1}).has_value());
  BOOST_TEST(!av::find_grid({}, {25, 1}).has_value());
  BOOST_TEST(!av::find_grid(std::vector<int64_t>{0, 3'600}, {25, 1}).has_value());
  BOOST_TEST(!av::find_grid(std::vector<int64_t>{0, 0, 3'600, 7'200}, {25, 1}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
