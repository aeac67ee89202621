// An order is kept as text and read by a later coordinator: every setting comes back, and any other text is refused.
#include "actors/jobs/job_text.hpp"
#include "registered_types.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

BOOST_FIXTURE_TEST_SUITE(job_text_test, registered_types)

BOOST_AUTO_TEST_CASE(an_order_comes_back_as_it_was) {
  file_order x;
  BOOST_TEST((to_order(to_text(x)) == x));
  x.input = "/a \"film\"\\/\u00e4.mkv";
  x.output = "/out.mp4";
  x.overwrite = true;
  x.container = "mp4";
  x.video = {.codec = "libx264",
             .width = 1280,
             .height = 720,
             .fit = "pad",
             .frame_rate = {30000, 1001},
             .pixel_format = "yuv420p",
             .deinterlace = "field",
             .bit_rate = 1'000'000,
             .max_bit_rate = 2'000'000,
             .crf = 22.5,
             .preset = "slow",
             .tune = "film",
             .profile = "high",
             .level = "4.1",
             .keyframe_interval = std::chrono::milliseconds{0},
             .b_frames = 3,
             .options = {{"x264-params", "ref=2:a=b"}},
             .on_busy = exhaustion_policy::queue,
             .fallback_encoder = "libx265",
             .never_software = true,
             .queue_timeout = std::chrono::milliseconds{1500}};
  x.audio = {"libopus", 96'000, 48'000, "5.1", {{"vbr", "on"}}, {}};
  x.chunk_duration = std::chrono::milliseconds{1500};
  x.chunk_frames = 7;
  x.limits = {1500, 1'000'000'000, 2'000'000'000, std::chrono::minutes{5}, 10, work_limits::io_idle};
  auto back = to_order(to_text(x));
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST((*back == x));
}

BOOST_AUTO_TEST_CASE(paths_of_any_bytes_come_back_from_text) {
  file_order x;
  x.input = "/srv/caf\xe9\t\n.mkv";
  x.output = "/srv/a%41.mkv";
  auto text = to_text(x);
  BOOST_TEST(text.find("file:///srv/caf%E9%09%0A.mkv") != std::string::npos);
  auto back = to_order(text);
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST((*back == x));
}

BOOST_AUTO_TEST_CASE(the_file_that_was_published_is_known_from_its_result) {
  file_published x{1000, 500, 900, 90'000, {"a note"}, "0123"};
  BOOST_TEST(published_identity(to_text(x)).value_or("") == "0123");
  x.identity.clear();
  for (auto& text : {to_text(x), std::string{}, std::string{"{}"}, std::string{R"({"bytes": 5})"}})
    BOOST_TEST(!published_identity(text).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_no_order_is_not_taken_for_one) {
  for (auto text : {"", "{", "{}", "[1]", "null", R"({"input": 3})"})
    BOOST_TEST(!to_order(text).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
