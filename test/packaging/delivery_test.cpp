// The constants of delivery, made from an operator's options, keep the rules of HLS for every keyframe interval.
#include "packaging/delivery.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(delivery_test)

BOOST_AUTO_TEST_CASE(the_defaults_are_those_of_the_options) {
  BOOST_TEST((delivery_times::of({}, 2000ms) == delivery_times{}));
  BOOST_TEST((delivery_times::of({}, 1000ms) == delivery_times{}));
  auto copied = delivery_times::of({}, 0ms);
  BOOST_TEST(!copied.on_grid);
  BOOST_TEST(copied.target() == 4 * ticks_per_second);
  BOOST_TEST(copied.window == 24 * ticks_per_second);
}

BOOST_AUTO_TEST_CASE(a_segment_is_a_multiple_of_the_keyframe_interval_and_the_window_holds_six) {
  auto x = delivery_times::of({3000ms, 500ms, 30'000ms}, 2000ms);
  BOOST_TEST(x.segment == 4 * ticks_per_second);
  BOOST_TEST(x.window == 30 * ticks_per_second);
  x = delivery_times::of({}, 10'000ms);
  BOOST_TEST(x.segment == 10 * ticks_per_second);
  BOOST_TEST(x.window == 60 * ticks_per_second);
  BOOST_TEST(x.part == 2 * ticks_per_second / 5);
}

BOOST_AUTO_TEST_CASE(whatever_the_options_the_rules_of_hls_hold) {
  for (auto segment : {1000ms, 1500ms, 2000ms, 9999ms})
    for (auto part : {200ms, 333ms, 500ms})
      for (auto interval : {0ms, 100ms, 2000ms, 7000ms}) {
        auto x = delivery_times::of({segment, part, 6 * segment}, interval);
        BOOST_TEST_CONTEXT(segment.count() << " " << part.count() << " " << interval.count()) {
          BOOST_TEST(x.target() % ticks_per_second == 0);
          BOOST_TEST(x.target() >= (x.on_grid ? 1 : 2) * x.segment);
          BOOST_TEST(x.window >= 3 * x.target());
          BOOST_TEST(x.window >= 6 * x.segment);
          BOOST_TEST(x.part * 100 >= 85 * x.part_target());
          BOOST_TEST(x.part_hold_back() >= 3 * x.part_target());
          BOOST_TEST(x.hold_back() >= 3 * x.target());
          BOOST_TEST(x.skip_until() >= 6 * x.target());
          BOOST_TEST(x.absence().count() >= 4 * x.target() * 1000 / ticks_per_second);
          BOOST_TEST((x.absence() >= 10s));
        }
      }
}

BOOST_AUTO_TEST_SUITE_END()
