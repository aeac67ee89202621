// Goal: a client sees and hears the source: every picture once, in order, with its sound, decodable from the first
// byte.
// Method: sources of three codecs, looped in real time, are watched through the cluster by players of plain
// libavformat, transcoded and passed through, all at once. The numbers in the pictures and the marks in the sound are
// read back. The test takes fifteen seconds, so that each source loops once; with TROUPE_LONG=1 it takes sixty.
#include "rig/viewer.hpp"
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"
#include "test/support/environment.hpp"

#include <boost/test/unit_test.hpp>

#include <future>

using namespace troupe::test;
namespace bench = troupe::bench;

BOOST_AUTO_TEST_SUITE(viewing_test)

namespace {

struct rendition {
  std::string channel;
  std::string profile;
};

milliseconds viewing_time() {
  return milliseconds{is_long() ? 60'000 : 15'000};
}

bench::sample_options mpeg2_sample() {
  auto result = small_sample();
  result.video_encoder = "mpeg2video";
  result.audio_encoder = "mp2";
  result.picture.interlaced = true;
  return result;
}

bench::sample_options hevc_sample() {
  auto result = small_sample();
  result.video_encoder = "libx265";
  return result;
}

bench::viewing watch(const cluster& c, const rendition& x, milliseconds duration) {
  bench::viewer_options options;
  options.url = c.watch_url(x.channel, x.profile);
  options.duration = duration;
  options.connect_timeout = scaled(milliseconds{15'000});
  options.stall_timeout = scaled(milliseconds{5'000});
  options.loop_frames = small_sample_frames();
  return bench::watch(options);
}

/// The places where pictures are further apart than usual; empty if there are none. Where the source loops, the gap may
/// be one frame of sound longer, because the longer of picture and sound determines when it restarts.
std::string gaps(const bench::viewing& x) {
  constexpr double sound_frame_ms = 24;
  std::string result;
  auto& frames = x.seen.frames;
  for (size_t i = 1; i < frames.size(); ++i) {
    auto step = (frames[i].seconds - frames[i - 1].seconds) * 1000;
    auto limit = frames[i].number == 0u ? x.frame_ms + sound_frame_ms + 1 : 1.5 * x.frame_ms;
    if (step > limit)
      result += " " + std::to_string(step) + " ms before picture " + std::to_string(i) + " of "
                + std::to_string(frames.size()) + ", number " + std::to_string(frames[i].number.value_or(0));
  }
  return result;
}

void check(const rendition& x, const bench::viewing& seen, milliseconds duration) {
  BOOST_TEST_CONTEXT(x.channel << "/" << x.profile) {
    BOOST_TEST_MESSAGE(x.channel << "/" << x.profile << ": " << seen.seen.video_codec << " " << seen.seen.audio_codec
                                 << ", " << seen.seen.frames.size() << " pictures, first after " << seen.first_frame_ms
                                 << " ms, sound " << seen.offset_ms.min << " to " << seen.offset_ms.max
                                 << " ms later, loops " << seen.loops);
    for (auto& wrong : bench::problems(seen))
      BOOST_ERROR(wrong);
    // A viewer gets its first picture within two seconds, and then sees all pictures.
    auto frames = static_cast<size_t>((duration.count() - scaled(milliseconds{2'500}).count()) / 40);
    BOOST_TEST(seen.seen.frames.size() >= frames);
    BOOST_TEST(seen.unreadable == 0u);
    BOOST_TEST(gaps(seen) == "");
    BOOST_TEST(seen.loops >= 1u);
    BOOST_TEST(seen.offsets >= 5u);
    BOOST_TEST(seen.seen.channels_with_sound == 2);
  }
}

} // namespace

BOOST_AUTO_TEST_CASE(every_picture_comes_once_and_in_sync_whatever_the_source) {
  cluster c{{{{"h264", media("h264.ts")},
              {"mpeg2", media("mpeg2.ts", mpeg2_sample())},
              {"hevc", media("hevc.ts", hevc_sample())}},
             {},
             {}}};
  c.start({"w1", "w2"}, 2);
  auto duration = viewing_time();
  std::vector<rendition> renditions{
    {"h264", "small"}, {"h264", "source"}, {"mpeg2", "small"}, {"hevc", "small"}, {"hevc", "source"}};
  std::vector<std::future<bench::viewing>> viewers;
  for (auto& x : renditions)
    viewers.push_back(std::async(std::launch::async, [&c, &x, duration] { return watch(c, x, duration); }));
  std::vector<bench::viewing> seen;
  for (auto& v : viewers)
    seen.push_back(v.get());
  for (size_t i = 0; i < renditions.size(); ++i)
    check(renditions[i], seen[i], duration);
  BOOST_TEST(seen[0].seen.video_codec == "h264");
  BOOST_TEST(seen[4].seen.video_codec == "hevc");
  // Passthrough takes no worker.
  BOOST_TEST(text(c.variant("h264", "source"), "mode") == "passthrough");
  BOOST_TEST(text(c.variant("h264", "source"), "worker").empty());
}

BOOST_AUTO_TEST_SUITE_END()
