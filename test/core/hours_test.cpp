// The hours of a library, in a made time zone with daylight saving time.
#include "core/library/hours.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::core;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(hours_test)

namespace {

/// Milliseconds since 1970 of a time in UTC.
int64_t at(std::chrono::sys_days day, std::chrono::minutes minute) {
  return std::chrono::duration_cast<std::chrono::milliseconds>((day + minute).time_since_epoch()).count();
}

constexpr std::chrono::sys_days monday = std::chrono::year{2025} / 1 / 6;
constexpr std::chrono::sys_days summer_begins = std::chrono::year{2025} / 3 / 30; // a Sunday, at 1:00 UTC
constexpr std::chrono::sys_days summer_ends = std::chrono::year{2025} / 10 / 26;  // a Sunday, at 1:00 UTC

work_hours central_european() {
  work_hours x;
  auto seconds = [](int64_t ms) { return ms / 1000; };
  x.zone.before = 1h;
  x.zone.changes = {{seconds(at(summer_begins, 60min)), 2h}, {seconds(at(summer_ends, 60min)), 1h}};
  return x;
}

} // namespace

BOOST_AUTO_TEST_CASE(without_hours_a_library_always_works) {
  BOOST_TEST(is_within({}, at(monday, 0min)));
}

BOOST_AUTO_TEST_CASE(a_span_holds_from_its_first_minute_to_before_its_last) {
  work_hours x;
  x.days[0] = {{22h, 24h}};
  x.days[1] = {{0h, 6h}};
  BOOST_TEST(!is_within(x, at(monday, 22h) - 1));
  BOOST_TEST(is_within(x, at(monday, 22h)));
  BOOST_TEST(is_within(x, at(monday, 24h)));
  BOOST_TEST(is_within(x, at(monday, 30h) - 1));
  BOOST_TEST(!is_within(x, at(monday, 30h)));
  BOOST_TEST(!is_within(x, at(monday, 48h)));
}

BOOST_AUTO_TEST_CASE(hours_are_those_of_the_roots_time_zone) {
  auto x = central_european();
  x.days[0] = {{0h, 1h}};
  BOOST_TEST(is_within(x, at(monday, -60min))); // Sunday 23:00 UTC is Monday 0:00
  BOOST_TEST(!is_within(x, at(monday, 0min)));
}

BOOST_AUTO_TEST_CASE(an_hour_that_is_left_out_never_comes_and_one_that_is_repeated_counts_twice) {
  auto x = central_european();
  x.days[6] = {{2h, 3h}};
  for (auto minute = 0min; minute < 24h; ++minute)
    BOOST_TEST(!is_within(x, at(summer_begins, minute)));
  auto count = 0;
  for (auto minute = 0min; minute < 24h; ++minute)
    count += is_within(x, at(summer_ends, minute)) ? 1 : 0;
  BOOST_TEST(count == 120);
}

BOOST_AUTO_TEST_CASE(times_before_1970_and_spans_that_make_no_sense_are_handled) {
  work_hours x;
  x.days[2] = {{23h, 24h}};
  BOOST_TEST(is_within(x, -1)); // 1969-12-31 was a Wednesday
  BOOST_TEST(x.is_valid());
  x.days[3] = {{5h, 5h}};
  BOOST_TEST(!x.is_valid());
  x.days[3] = {{5h, 25h}};
  BOOST_TEST(!x.is_valid());
}

BOOST_AUTO_TEST_SUITE_END()
