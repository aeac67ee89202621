// Goal: segments begin where all renditions of a channel begin one, with the same numbers. Method: samples with chosen
// times; the numbers of the segments that begin with them.
#include "packaging/segment_clock.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <vector>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(segment_clock_test)

namespace {

constexpr int64_t second = ticks_per_second;

sample picture(int64_t pts, bool random_access, uint32_t duration = 3600) {
  sample result;
  result.pts = result.dts = pts;
  result.duration = duration;
  result.flags = random_access ? sample::random_access | sample::key : 0;
  return result;
}

/// Numbers of the segments that begin in a run of pictures; those for which `is_key` is true are random-access points.
std::vector<int64_t> numbers(segment_clock& clock, int64_t from, int64_t to, int64_t step,
                             const std::function<bool(int64_t)>& is_key) {
  std::vector<int64_t> result;
  for (auto t = from; t < to; t += step)
    if (auto n = clock.lead(picture(t, is_key(t), static_cast<uint32_t>(step))))
      result.push_back(*n);
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(on_the_grid_a_segments_number_is_its_cell) {
  segment_clock clock{{}};
  // Begins in the middle of cell 5. A failover puts a further random-access point into cell 7.
  auto is_key = [](int64_t t) { return t == 11 * second || t % (2 * second) == 0 || t == 15 * second; };
  auto expected = std::vector<int64_t>{5, 6, 7, 8};
  BOOST_TEST(numbers(clock, 11 * second, 18 * second, 3600, is_key) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sound_that_leads_begins_segments_at_the_grid_with_any_sample) {
  segment_clock clock{{}, {.from_pts = 3 * second}};
  std::vector<int64_t> begins;
  for (auto t = 2 * second; t < 9 * second; t += 1920) {
    auto x = picture(t, false, 1920);
    x.flags = sample::key;
    if (clock.lead(x, track_kind::audio))
      begins.push_back(t);
  }
  auto first_after = [](int64_t t) { return 2 * second + (t - 2 * second + 1919) / 1920 * 1920; };
  auto expected = std::vector<int64_t>{first_after(3 * second), first_after(4 * second), first_after(6 * second),
                                       first_after(8 * second)};
  BOOST_TEST(begins == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_rendition_that_joins_others_begins_with_a_whole_segment) {
  segment_clock clock{{}, {.from_pts = 11 * second, .whole = true}};
  auto is_key = [](int64_t t) { return t % second == 0; };
  auto expected = std::vector<int64_t>{6, 7, 8};
  BOOST_TEST(numbers(clock, 11 * second, 18 * second, 3600, is_key) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nothing_begins_before_the_first_random_access_point) {
  segment_clock clock{{}};
  BOOST_TEST(!clock.lead(picture(0, false)));
  BOOST_TEST(!clock.follow({}, picture(0, true)));
  BOOST_TEST(clock.lead(picture(3600, true)).value() == 0);
  BOOST_TEST(!clock.follow({}, picture(3599, true)));
  BOOST_TEST(clock.follow({}, picture(3600, true)).value() == 0);
}

BOOST_AUTO_TEST_CASE(sound_on_the_grid_needs_no_picture) {
  segment_clock clock{{}};
  BOOST_TEST(clock.lead(picture(0, true)).value() == 0);
  BOOST_TEST(!clock.follow(0, picture(2 * second - 1, true)));
  BOOST_TEST(clock.follow(0, picture(2 * second, true)).value() == 1);
  BOOST_TEST(clock.follow(1, picture(9 * second, true)).value() == 4);
}

BOOST_AUTO_TEST_CASE(a_passed_through_source_is_cut_at_its_own_random_access_points) {
  delivery_times times;
  times.on_grid = false;
  segment_clock clock{times};
  // Groups of 1.92 s, as encoders for television make them: every second one begins a segment.
  auto step = 3600;
  auto is_key = [&](int64_t t) { return t % (48 * step) == 0; };
  auto begin = 48 * step * 100;
  auto expected = std::vector<int64_t>{begin / times.segment, begin / times.segment + 1, begin / times.segment + 2};
  BOOST_TEST(numbers(clock, begin, begin + 5 * 48 * step, step, is_key) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(after_an_interruption_a_segment_begins_at_the_next_random_access_point_unless_its_cell_has_one) {
  auto is_key = [](int64_t t) { return t % second == 0; };
  constexpr int64_t middle = 256 * 3600;
  for (auto on_grid : {false, true}) {
    segment_clock clock{{.on_grid = on_grid}};
    BOOST_TEST(numbers(clock, 8 * second, middle, 3600, is_key) == (std::vector<int64_t>{4, 5}),
               boost::test_tools::per_element());
    clock.interrupt();
    auto rest = numbers(clock, middle, 27 * second / 2, 3600, is_key);
    BOOST_TEST(rest == (on_grid ? std::vector<int64_t>{6} : std::vector<int64_t>{6, 7}),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_group_that_is_too_long_for_a_segment_is_cut_anywhere) {
  delivery_times times;
  times.on_grid = false;
  segment_clock clock{times};
  auto is_key = [](int64_t t) { return t == 0; };
  auto expected = std::vector<int64_t>{0, 1, 2};
  BOOST_TEST(numbers(clock, 0, 11 * second, 3600, is_key) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sound_beside_a_passed_through_picture_follows_it) {
  delivery_times times;
  times.on_grid = false;
  segment_clock clock{times};
  BOOST_TEST(clock.lead(picture(0, true)).value() == 0);
  BOOST_TEST(clock.follow({}, picture(100, true)).value() == 0);
  BOOST_TEST(!clock.follow(0, picture(3 * second, true)));
  BOOST_TEST(clock.lead(picture(2 * second, true)).value() == 1);
  BOOST_TEST(clock.lead(picture(4 * second, true)).value() == 2);
  BOOST_TEST(clock.follow(0, picture(5 * second, true)).value() == 1);
  BOOST_TEST(clock.follow(1, picture(5 * second, true)).value() == 2);
}

BOOST_AUTO_TEST_SUITE_END()
