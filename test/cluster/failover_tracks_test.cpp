// Goal: a failover loses and repeats nothing with any source and rendition: reordered pictures, open GOPs, fields that
// become frames, a lower picture rate, other kinds of sound.
// Method: the tasks are killed, as in failover_test. For a rendition of half the rate, "every picture once" means every
// second number.
#include "test/cluster/failover.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::test;
namespace bench = troupe::bench;

BOOST_AUTO_TEST_SUITE(failover_tracks_test)

namespace {

constexpr int kills = 2;

void check(const char* profile, const char* source) {
  auto how = small_plan(bench::fault::kill, kills);
  how.profile = profile;
  how.source = source;
  auto result = measure(how);
  check_exact(result);
  BOOST_TEST(result.failovers_by_reason["lost"] == static_cast<uint64_t>(kills));
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_is_lost_with_b_frames) {
  check("b-frames", "h264");
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_of_an_open_gop) {
  check("plain", "hevc-open-gop");
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_fields_become_frames_and_sound_becomes_opus) {
  check("opus", "mpeg2-interlaced");
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_at_half_the_frame_rate_and_when_ac3_becomes_aac) {
  check("half-rate", "ac3");
}

BOOST_AUTO_TEST_SUITE_END()
