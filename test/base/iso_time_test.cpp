// Goal: wall-clock times are written in the form that other programs read. Method: known moments.
#include "base/iso_time.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(iso_time_test)

BOOST_AUTO_TEST_CASE(a_moment_is_written_in_utc_with_milliseconds) {
  BOOST_TEST(troupe::base::iso_time(0) == "1970-01-01T00:00:00.000Z");
  BOOST_TEST(troupe::base::iso_time(1'796'005'606'123) == "2026-11-30T02:26:46.123Z");
}

BOOST_AUTO_TEST_SUITE_END()
