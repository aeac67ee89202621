// Goal: a file that is cut into chunks, encoded chunk by chunk and joined has every picture once, at its time, and the
// sound of the unchunked result, and no decoder reports a fault at a joint. Method: sources whose pictures carry their
// number and whose tone glides, in several codecs and containers; whole jobs with 1, 2, 7 and many chunks; only
// libavformat and libavcodec read the results.
#include "file_job.hpp"
#include "test/support/build_kind.hpp"

#include "encoder/format_ptr.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

using namespace troupe::av::test;

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(chunked_test)

namespace {

constexpr auto pictures = 150;

/// With 100, which exceeds the number of random-access points, each of them begins a chunk. Under a sanitizer, one
/// number above 1 suffices, because the code is the same for all of them.
const std::vector<int> chunk_counts = troupe::test::instrumented ? std::vector{1, 7} : std::vector{1, 2, 7, 100};

/// The PTS of `count` pictures at equal distances; by default 25 a second, from zero on.
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

/// Checks that both sounds have the same place and length, and differ only by coding noise.
void check_same_sound(const played_stream& whole, const played_stream& made) {
  BOOST_TEST(made.errors == 0);
  BOOST_TEST(made.first_sample == whole.first_sample);
  BOOST_REQUIRE(made.samples.size() == whole.samples.size());
  BOOST_TEST(made.samples == whole.samples, boost::test_tools::per_element());
}

void check(const scenario& what) {
  std::optional<played_file> whole;
  auto lag = sound_lag(play_file(what.source), what.first_pts, what.first_sample);
  for (auto chunks : chunk_counts) {
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

/// Counts pictures that are decoded after a random-access point and shown before it. Closed groups have none.
int leading_pictures(const std::string& path) {
  av::input_context_ptr opened;
  BOOST_REQUIRE(av::open_input(opened, path) == 0);
  auto stream = av_find_best_stream(opened.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  auto packet = av::make_packet();
  auto result = 0;
  for (auto key = av::no_pts; av_read_frame(opened.get(), packet.get()) == 0; av_packet_unref(packet.get())) {
    if (packet->stream_index != stream)
      continue;
    if ((packet->flags & AV_PKT_FLAG_KEY) != 0)
      key = packet->pts;
    result += packet->pts < key ? 1 : 0;
  }
  return result;
}

} // namespace

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

BOOST_AUTO_TEST_CASE(a_source_whose_times_need_memory_is_read_from_its_start) {
  auto seen = usual_pictures();
  seen.first_pts = 900'000;
  seen.global_header = false;
  audio_source heard{.first_sample = 480'000, .samples = 288'768};
  // The clock jumps on by an hour in the middle, for both tracks.
  auto source = write_source(clip_of(seen, heard), "jump.ts", [](AVPacket& x) {
    auto later = x.dts >= 900'000 + 75 * 3'600 ? 3'600 * 90'000 : 0;
    x.pts += later;
    x.dts += later;
    return true;
  });
  check({.source = source, .slack = 3'700, .first_pts = 900'000, .first_sample = 480'000, .exact = false});
}

BOOST_AUTO_TEST_CASE(a_clock_that_starts_again_goes_on) {
  auto seen = usual_pictures();
  seen.first_pts = (int64_t{1} << 33) - 60 * 3'600;
  seen.global_header = false;
  audio_source heard{.first_sample = seen.first_pts * 48 / 90, .samples = 288'768};
  auto source = write_source(clip_of(seen, heard), "wrap.ts");
  check({.source = source, .first_pts = seen.first_pts, .first_sample = heard.first_sample, .exact = false});
}

BOOST_AUTO_TEST_CASE(a_file_without_presentation_times_is_cut) {
  auto seen = usual_pictures();
  seen.encoder = "mpeg4";
  seen.global_header = false;
  audio_source heard{.encoder = "mp2", .first_sample = 0, .samples = 288'768};
  for (auto b_frames : {0, 2}) {
    seen.b_frames = b_frames;
    // With B-frames libavformat returns all pictures one picture late, except the first, which stays at the beginning.
    check({.source = write_source(clip_of(seen, heard), "old.avi"), .slack = b_frames > 0 ? 3'700 : 2});
  }
}

BOOST_AUTO_TEST_CASE(open_groups_of_h264_are_cut_in_mp4_and_transport_streams) {
  auto seen = usual_pictures();
  seen.gop = 16;
  seen.b_frames = 3;
  seen.options = {{"x264-params", "open-gop=1:b-adapt=2"}};
  check({.source = write_source(clip_of(seen, usual_sound()), "open.mp4"), .result = "result.mov"});
  seen.first_pts = 900'000;
  seen.global_header = false;
  audio_source heard{.first_sample = 480'000, .samples = 288'768};
  check({.source = write_source(clip_of(seen, heard), "open.ts"),
         .result = "result.ts",
         .first_pts = 900'000,
         .first_sample = 480'000});
}

BOOST_AUTO_TEST_CASE(a_result_with_open_groups_is_joined) {
  scenario what{.source = write_source(clip_of(usual_pictures(), usual_sound()), "closed.mp4"), .result = "opened.mkv"};
  what.settings.video = usual_video("libx265");
  what.settings.video.keyframe_interval = std::chrono::milliseconds{0};
  what.settings.video.options = {{"x265-params", "keyint=6:b-adapt=0"}};
  what.slack = 91;
  check(what);
  BOOST_TEST(leading_pictures(temporary(what.result)) > 0);
}

BOOST_AUTO_TEST_CASE(a_set_frame_rate_has_no_gap_at_a_joint) {
  scenario what{.source = write_source(clip_of(usual_pictures(), usual_sound()), "rate.mp4")};
  what.settings.video.frame_rate = {50, 1};
  for (size_t chunks : {1, 7}) {
    what.settings.chunks = chunks;
    run_job(what.source, temporary("rate-result.mp4"), what.settings);
    auto shown = play_file(temporary("rate-result.mp4"));
    std::vector<int64_t> times;
    for (const auto& x : shown.of(AVMEDIA_TYPE_VIDEO).pictures)
      times.push_back(x.pts);
    BOOST_TEST(shown.of(AVMEDIA_TYPE_VIDEO).errors == 0);
    BOOST_REQUIRE(times.size() == 300);
    for (size_t i = 1; i < times.size(); ++i)
      BOOST_REQUIRE(times[i] - times[i - 1] == 1'800);
  }
}

BOOST_AUTO_TEST_CASE(a_chunk_that_is_stopped_or_fails_leaves_no_file) {
  av::chunk_job job;
  job.source.url = write_source(clip_of(usual_pictures(), usual_sound()), "stopped.mp4");
  job.output = temporary("stopped-chunk");
  job.streams = {{0, usual_video()}};
  std::atomic<bool> stop{true};
  auto result = av::encode_chunk(job, {stop});
  BOOST_REQUIRE(!result);
  BOOST_TEST((result.error().code == av::errc::interrupted));
  stop = false;
  job.streams = {{7, usual_video()}};
  result = av::encode_chunk(job, {stop});
  BOOST_REQUIRE(!result);
  BOOST_TEST(result.error().what.find("stream 7") != std::string::npos);
  BOOST_TEST(result.error().terminal());
  job.streams = {{0, usual_video("no-such-encoder")}};
  result = av::encode_chunk(job, {stop});
  BOOST_REQUIRE(!result);
  BOOST_TEST(result.error().terminal());
  for (const auto& path : {job.output, troupe::base::staging_path(job.output, job.tag)})
    BOOST_TEST(!std::filesystem::exists(path));
}

BOOST_AUTO_TEST_CASE(an_index_counts_the_pictures_between_its_access_points) {
  auto source = write_source(clip_of(usual_pictures(), usual_sound()), "reported.mp4");
  av::source_options options;
  options.url = source;
  auto index = av::index_source(options, unwatched());
  BOOST_REQUIRE(index);
  BOOST_TEST(index->pictures_in(index->access_points.at(2).pts, index->access_points.at(5).pts).value() == 36);
  BOOST_TEST(!index->pictures_in(index->access_points.at(2).pts + 1, index->access_points.at(5).pts).has_value());
  BOOST_TEST(index->streams.at(0).packets == pictures);
  BOOST_TEST(!index->streams.at(0).variable_rate);
  BOOST_TEST(index->streams.at(1).first_pts == 0);
}

BOOST_AUTO_TEST_CASE(ffprobe_reads_of_a_result_what_it_reads_of_one_by_ffmpeg) {
  auto run = [](const std::string& command) {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{::popen(command.c_str(), "r"), ::pclose};
    std::string result;
    std::array<char, 4096> text = {};
    while (pipe && std::fgets(text.data(), text.size(), pipe.get()) != nullptr)
      result += text.data();
    return result;
  };
  auto source = write_source(clip_of(usual_pictures(), usual_sound()), "compared.mp4");
  if (run("ffmpeg -version 2>/dev/null").empty()) {
    BOOST_TEST_MESSAGE("skipped: there is no ffmpeg here");
    return;
  }
  for (const std::string into : {"mp4", "mov", "mkv", "ts"}) {
    BOOST_TEST_CONTEXT(into) {
      job_settings settings{usual_video(), usual_audio()};
      settings.chunks = 5;
      run_job(source, temporary("ours." + into), settings);
      run("ffmpeg -v error -y -i " + source
          + " -c:v libx264 -preset ultrafast -crf 20 -bf 2 -threads 1 -c:a aac -b:a 128k "
          + temporary("theirs." + into));
      auto probe = [&](const std::string& name) {
        return run(
          "ffprobe -v error -count_frames -count_packets -show_entries stream=codec_name,nb_read_frames,start_time,duration "
          "-show_entries format=start_time,duration -of default=nw=1 "
          + temporary(name + into));
      };
      auto theirs = probe("theirs.");
      BOOST_TEST(!theirs.empty());
      BOOST_TEST(probe("ours.") == theirs);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
