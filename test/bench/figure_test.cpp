// Figures say how far their measurements lie apart. The method: samples whose median and ends are known.
#include "bench/figure.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>

using namespace troupe::bench;

using lines = std::vector<std::pair<std::string, double>>;

BOOST_AUTO_TEST_SUITE(figure_test)

BOOST_AUTO_TEST_CASE(a_measurement_comes_with_its_spread) {
  lines expected{{"x", 3}, {"x_min", 1}, {"x_max", 9}};
  BOOST_TEST((measured("x", {9, 1, 3}).lines() == expected));
  BOOST_TEST(!measured("x", {9, 1, 3}).is_single);
}

BOOST_AUTO_TEST_CASE(a_count_has_no_spread) {
  BOOST_TEST((counted("x", 7).lines() == lines{{"x", 7}}));
}

BOOST_AUTO_TEST_CASE(a_single_sample_says_so) {
  BOOST_TEST(measured("x", {4}).is_single);
  BOOST_TEST(percentile("x", {4}, 0.99).is_single);
}

BOOST_AUTO_TEST_CASE(nothing_measured_is_not_zero) {
  for (auto& [name, value] : measured("x", {}).lines())
    BOOST_TEST(std::isnan(value), name);
  for (auto& [name, value] : percentile("x", {}, 0.5).lines())
    BOOST_TEST(std::isnan(value), name);
}

// The ten samples form five parts of two samples; the maxima of the parts are 1, 3, 5, 7 and 100.
BOOST_AUTO_TEST_CASE(a_percentiles_spread_is_that_of_the_parts_of_the_run) {
  lines expected{{"x", 100}, {"x_min", 1}, {"x_max", 100}};
  BOOST_TEST((percentile("x", {0, 1, 2, 3, 4, 5, 6, 7, 8, 100}, 0.99).lines() == expected));
}

BOOST_AUTO_TEST_CASE(every_sample_counts_if_the_parts_are_unequal) {
  lines expected{{"x", 3}, {"x_min", 1}, {"x_max", 6}};
  BOOST_TEST((percentile("x", {1, 2, 3, 4, 5, 6, 7}, 0.4).lines() == expected));
}

BOOST_AUTO_TEST_SUITE_END()
