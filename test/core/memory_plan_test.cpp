// Goal: every task has a memory limit, and no valid work dies of it. Method: the largest and the smallest work of each
// kind against the known needs of encoders.
#include "core/memory_plan.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(memory_plan_test)

namespace {

constexpr uint64_t gibibyte = uint64_t{1} << 30;
constexpr memory_rules usual{2 * gibibyte, 100};
constexpr int64_t uhd8 = 7680 * 4320;
constexpr int64_t hd = 1920 * 1080;

} // namespace

BOOST_AUTO_TEST_CASE(what_reads_has_a_fixed_limit) {
  BOOST_TEST(memory_limit(usual, work_kind::ingest, {}) == 2 * gibibyte);
  BOOST_TEST(memory_limit(usual, work_kind::probe, {uhd8, 0, {}}) == 2 * gibibyte);
}

BOOST_AUTO_TEST_CASE(what_encodes_has_one_that_follows_its_pictures_and_its_encoder) {
  auto limit = [](const char* codec, int64_t pixels) {
    return memory_limit(usual, work_kind::chunk, {pixels, pixels, codec});
  };
  // x265 and SVT-AV1 take some 25 and 50 GB for 8K with all their lookahead.
  BOOST_TEST(limit("libx265", uhd8) > 32 * gibibyte);
  BOOST_TEST(limit("libsvtav1", uhd8) > 50 * gibibyte);
  BOOST_TEST(limit("libx264", hd) > 2 * gibibyte);
  BOOST_TEST(limit("libx264", hd) < 4 * gibibyte);
  BOOST_TEST(limit("libx264", 64 * 64) == limit("libx264", hd));
  BOOST_TEST(memory_limit(usual, work_kind::transcode, {hd, hd, "h264"}) == limit("h264", hd));
  BOOST_TEST(memory_limit(usual, work_kind::assemble, {uhd8, 0, {}}) > 8 * gibibyte);
}

BOOST_AUTO_TEST_CASE(a_person_may_change_it_or_take_it_away) {
  constexpr memory_rules none{};
  for (auto kind : {work_kind::ingest, work_kind::transcode, work_kind::probe, work_kind::chunk, work_kind::assemble})
    BOOST_TEST(memory_limit(none, kind, {hd, hd, "h264"}) == 0u);
  auto twice = usual;
  twice.encode_percent = 200;
  BOOST_TEST(memory_limit(twice, work_kind::chunk, {hd, hd, "h264"}) / gibibyte
             == 2 * memory_limit(usual, work_kind::chunk, {hd, hd, "h264"}) / gibibyte);
}

BOOST_AUTO_TEST_CASE(the_size_of_pictures_follows_what_is_asked_for) {
  BOOST_TEST(pixels_of(0, 0, 1920, 1080) == hd);
  BOOST_TEST(pixels_of(1280, 720, 1920, 1080) == 1280 * 720);
  BOOST_TEST(pixels_of(0, 720, 1920, 1080) == 1280 * 720);
  BOOST_TEST(pixels_of(1280, 0, 1920, 1080) == 1280 * 720);
  BOOST_TEST(pixels_of(0, 0, 0, 0) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
