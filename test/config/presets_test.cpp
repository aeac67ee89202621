// The table of presets: each preset sets what its name says. The tests in test/cluster check the presets' output.
#include "config/presets.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <set>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(presets_test)

namespace {

struct meaning {
  int32_t width = 0;
  int32_t height = 0;
  int32_t fps = 0;
  std::string codec;
};

/// The meaning of a name such as "4K60-h265".
meaning meaning_of(const std::string& name) {
  meaning result;
  auto dash = name.find('-');
  auto picture = name.substr(0, dash);
  result.codec = name.substr(dash + 1) == "h265" ? "hevc" : name.substr(dash + 1);
  auto mark = picture.find_first_of("Kp");
  auto lines = std::atoi(picture.c_str());
  result.fps = std::atoi(picture.c_str() + mark + 1);
  result.height = picture[mark] == 'K' ? 2160 : lines;
  result.width = result.height == 480 ? 854 : result.height * 16 / 9;
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_eighteen_scenarios_are_what_their_names_say) {
  const std::set<std::string> names{"4K60-h264",    "4K60-h265",    "4K30-h264",    "4K30-h265",   "1080p60-h264",
                                    "1080p60-h265", "1080p30-h264", "1080p30-h265", "720p60-h264", "720p60-h265",
                                    "720p30-h264",  "720p30-h265",  "480p30-h264",  "480p30-h265", "480p60-h264",
                                    "1080p60-vp9",  "720p30-vp9",   "480p30-av1"};
  BOOST_TEST(names.size() == 18u);
  for (auto& name : names) {
    auto* x = config::find_preset(name);
    BOOST_REQUIRE_MESSAGE(x != nullptr, name);
    auto wanted = meaning_of(name);
    BOOST_TEST(x->video.width == wanted.width);
    BOOST_TEST(x->video.height == wanted.height);
    BOOST_TEST(x->video.frame_rate.num == wanted.fps);
    BOOST_TEST(x->video.frame_rate.den == 1);
    BOOST_TEST(x->video.codec == wanted.codec);
  }
}

BOOST_AUTO_TEST_CASE(every_preset_is_complete_and_has_a_name_of_its_own) {
  std::set<std::string> names;
  for (auto& x : config::presets()) {
    BOOST_TEST(names.insert(x.name).second);
    BOOST_TEST(config::find_preset(x.name) == &x);
    BOOST_TEST(x.video.bit_rate >= 400'000);
    BOOST_TEST(x.video.crf < 0);
    BOOST_TEST(x.video.keyframe_interval.count() == 2'000);
    BOOST_TEST(x.audio.bit_rate > 0);
    BOOST_TEST(!x.about.empty());
    BOOST_TEST((x.container == "mp4" || x.container == "webm"));
  }
  BOOST_TEST(names.size() == 29u);
  BOOST_TEST(config::find_preset("4k60-h265") == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
