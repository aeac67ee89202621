// Goal: a file that is cut into chunks, encoded chunk by chunk and put together again has every picture once, at its time, and the sound that
// the unchunked result has, and no decoder finds fault at a joint. Method: sources whose pictures carry their number and whose tone glides,
// in several codecs and containers; whole jobs with 1, 2, 7 and many chunks; results read back by libavformat and libavcodec alone.
#include "file_job.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>

using namespace troupe::av::test;

namespace av = troupe::av;

namespace {

constexpr auto pictures = 150;

/// Times of the pictures of a source at 25 a second, from zero on.
std::vector<int64_t> even_times(int count = pictures, int64_t first = 0, int64_t step = 3'600) {
  std::vector<int64_t> result;
  for (auto n = 0; n < count; ++n)
    result.push_back(first + n * step);
  return result;
}

video_source usual_pictures() {
  return {.frames = pictures, .gop = 12, .first_pts = 0, .global_header = true};
}

audio_source usual_sound() {
  return {.encoder = "aac", .first_sample = 0, .samples = 288'768, .global_header = true};
}

clip clip_of(const video_source& seen, const audio_source& heard) {
  std::vector<stream> streams;
  streams.push_back(make_video(seen));
  streams.push_back(make_audio(heard));
  return as_clip(std::move(streams));
}

/// What must hold for a source, a container and an encoder, however many chunks there are.
struct scenario {
  std::string source;
  std::string result = "result.mp4";
  job_settings settings{usual_video(), usual_audio()};
  std::vector<int64_t> times = even_times();
  uint32_t first_number = 0;
  int64_t slack = 0; ///< ticks by which the two containers round
  int64_t first_pts = 0;
  int64_t first_sample = 0;
  bool exact = true;
};

/// Sound of the same length and place, and the same but for what an encoder makes of it.
void check_same_sound(const played_stream& whole, const played_stream& made) {
  BOOST_TEST(made.errors == 0);
  BOOST_TEST(made.first_sample == whole.first_sample);
  BOOST_REQUIRE(made.samples.size() == whole.samples.size());
  BOOST_TEST(made.samples == whole.samples, boost::test_tools::per_element());
}

void check(const scenario& what) {
  std::optional<played_file> whole;
  auto lag = sound_lag(play_file(what.source), what.first_pts, what.first_sample);
  for (auto chunks : {1, 2, 7, 100}) {
    BOOST_TEST_CONTEXT(what.source << " into " << what.result << ", " << chunks << " chunks") {
      auto settings = what.settings;
      settings.chunks = static_cast<size_t>(chunks);
      auto made = run_job(what.source, temporary(what.result), settings);
      BOOST_TEST(made.index.exact == what.exact);
      for (const auto& x : made.chunks)
        if (x.tracks.size() == 1 && x.tracks[0].video && &x != &made.chunks.front())
          BOOST_TEST(x.sought == what.exact);
      auto shown = play_file(temporary(what.result));
      check_pictures(shown.of(AVMEDIA_TYPE_VIDEO), what.times, what.first_number, what.slack);
      BOOST_TEST(std::abs(sound_lag(shown, what.first_pts, what.first_sample) - lag) <= what.slack * 48 / 90 + 1);
      if (whole)
        check_same_sound(whole->of(AVMEDIA_TYPE_AUDIO), shown.of(AVMEDIA_TYPE_AUDIO));
      else
        whole = std::move(shown);
    }
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(chunked_test)

BOOST_AUTO_TEST_CASE(an_mp4_has_each_picture_and_each_sample_once) {
  check({.source = write_source(clip_of(usual_pictures(), usual_sound()), "h264.mp4")});
  auto shown = play_file(temporary("result.mp4"));
  BOOST_TEST(shown.of(AVMEDIA_TYPE_AUDIO).first_sample == 0);
  BOOST_TEST(shown.of(AVMEDIA_TYPE_AUDIO).samples.size() == 288'768);
}

BOOST_AUTO_TEST_CASE(an_open_gop_is_cut_between_its_pictures) {
  auto seen = usual_pictures();
  seen.encoder = "libx265";
  seen.gop = 16;
  seen.b_frames = 4;
  seen.options = {{"x265-params", "log-level=none:b-adapt=2:rc-lookahead=20"}};
  check({.source = write_source(clip_of(seen, usual_sound()), "hevc.mkv"), .result = "result.mkv", .slack = 91});
}

BOOST_AUTO_TEST_CASE(interlaced_mpeg2_in_a_transport_stream_is_cut) {
  auto seen = usual_pictures();
  seen.encoder = "mpeg2video";
  seen.height = 128;
  seen.interlaced = true;
  seen.first_pts = 900'000;
  seen.global_header = false;
  auto source = write_source(clip_of(seen, {.first_sample = 480'000, .samples = 288'768}), "mpeg2.ts");
  check({.source = source, .first_pts = 900'000, .first_sample = 480'000});
}

BOOST_AUTO_TEST_CASE(vp9_in_webm_is_cut) {
  auto seen = usual_pictures();
  seen.encoder = "libvpx-vp9";
  seen.b_frames = 0;
  seen.options = {{"deadline", "realtime"}, {"cpu-used", "8"}};
  auto heard = usual_sound();
  heard.encoder = "libopus";
  check({.source = write_source(clip_of(seen, heard), "vp9.webm"),
         .result = "result.webm",
         .settings = {usual_video("libvpx-vp9"), usual_audio("libopus")},
         .slack = 91});
}

BOOST_AUTO_TEST_CASE(a_variable_frame_rate_stays_what_it_is) {
  // Pictures come up to half a step late, and one in ten a second later.
  auto bend = [](int64_t ticks) {
    auto n = ticks >= 0 ? ticks / 3'600 : (ticks - 3'599) / 3'600;
    return n * 3'600 + (n % 3 == 1 ? 1'500 : 0) + (n > 0 ? n / 10 * 90'000 : 0);
  };
  auto times = even_times();
  for (auto& x : times)
    x = bend(x);
  auto source = write_source(clip_of(usual_pictures(), usual_sound()), "vfr.mp4", [&](AVPacket& x) {
    if (x.stream_index == 0) {
      x.pts = bend(x.pts);
      x.dts = bend(x.dts);
    }
    return true;
  });
  check({.source = source, .times = times});
}

BOOST_AUTO_TEST_SUITE_END()
