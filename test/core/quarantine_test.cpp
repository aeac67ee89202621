// Goal: a rendition is refused, with its reason, for exactly the agreed time.
// Method: virtual time.
#include "core/live/quarantine.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::core;
using std::chrono::milliseconds;

BOOST_AUTO_TEST_SUITE(quarantine_test)

namespace {

constexpr milliseconds lasts{1'000};
const quarantine_list::time_point start{milliseconds{50'000}};

} // namespace

BOOST_AUTO_TEST_CASE(a_rendition_is_refused_with_its_reason_until_its_time_is_over) {
  quarantine_list list{lasts};
  list.add("a/hd", "it kills", start);
  BOOST_TEST(list.refusal("a/hd", start) == "quarantined: it kills");
  BOOST_TEST(list.refusal("a/hd", start + lasts - milliseconds{1}) == "quarantined: it kills");
  BOOST_TEST(list.refusal("a/hd", start + lasts).empty());
}

BOOST_AUTO_TEST_CASE(other_renditions_are_not_refused) {
  quarantine_list list{lasts};
  list.add("a/hd", "it kills", start);
  BOOST_TEST(list.refusal("a/sd", start).empty());
  BOOST_TEST(list.refusal("b/hd", start).empty());
}

BOOST_AUTO_TEST_CASE(another_death_begins_the_time_anew) {
  quarantine_list list{lasts};
  list.add("a/hd", "it kills", start);
  list.add("a/hd", "it kills again", start + lasts / 2);
  BOOST_TEST(list.refusal("a/hd", start + lasts) == "quarantined: it kills again");
  BOOST_TEST(list.refusal("a/hd", start + lasts * 2).empty());
}

BOOST_AUTO_TEST_SUITE_END()
