// Goal: any partition of a source into windows gives the output of one window over all of it: each frame exactly once,
// with the same timestamp and content, video and audio. Method: seeded random partitions of streams whose pictures
// carry their number and whose tone glides. Each window is encoded separately, fed as by a caller, and its pictures are
// decoded separately. TROUPE_SEEDS sets how many partitions of each kind are tried, TROUPE_SEED the first.
#include "file_job.hpp"
#include "reading.hpp"
#include "test/support/environment.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

namespace av = troupe::av;

using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(window_test)

namespace {

av::video_settings video(const std::string& encoder = "libx264") {
  av::video_settings result;
  result.encoder = encoder;
  result.preset = encoder == "libx264" ? "ultrafast" : "";
  result.crf = encoder == "libx264" ? 18 : -1;
  result.b_frames = 2;
  result.threads = 2;
  return result;
}

av::audio_settings audio(const std::string& encoder, int rate = 0) {
  av::audio_settings result;
  result.encoder = encoder;
  result.sample_rate = rate;
  result.bit_rate = encoder.starts_with("pcm") ? 0 : 192'000;
  return result;
}

/// Cuts the packets' span, and a little more, at random places.
std::vector<av::time_window> partition(const source& from, std::mt19937& random) {
  auto first = from.packets.front()->pts;
  auto last = first;
  for (const auto& x : from.packets) {
    first = std::min(first, x->pts);
    last = std::max(last, x->pts);
  }
  std::set<int64_t> cuts;
  auto count = std::uniform_int_distribution<size_t>{1, 4}(random);
  while (cuts.size() < count)
    cuts.insert(std::uniform_int_distribution<int64_t>{first - 9'000, last + 9'000}(random));
  // Half of the partitions have one more cut at the time of a packet, as a scheduler would cut.
  if (random() % 2 == 0)
    cuts.insert(from.packets[random() % from.packets.size()]->pts);
  std::vector<av::time_window> windows;
  av::time_window next;
  for (auto cut : cuts) {
    next.to_pts = cut;
    windows.push_back(next);
    next = {cut};
  }
  windows.push_back(next);
  return windows;
}

/// Timestamps of one output track, sorted; sortedness of DTS is checked on the way.
void collect(const result& made, int output, std::vector<int64_t>& times) {
  auto last_dts = av::no_pts;
  for (auto* packet : made.of(output)) {
    BOOST_TEST(packet->dts > last_dts);
    BOOST_TEST(packet->pts >= packet->dts);
    last_dts = packet->dts;
    times.push_back(packet->pts);
  }
}

/// Checks that the energy of the difference is at most `share_max` of the signal's, where both sounds play. The samples
/// on each side of a joint, a tenth of a second, are left out.
void compare_sound(const sound& whole, const sound& joined, const std::vector<av::time_window>& windows,
                   double share_max) {
  BOOST_REQUIRE(whole.sample_rate == joined.sample_rate);
  BOOST_TEST(whole.first_sample == joined.first_sample);
  BOOST_TEST(whole.samples.size() == joined.samples.size());
  auto blind = whole.sample_rate / 10;
  auto near_joint = [&](int64_t sample) {
    return std::any_of(windows.begin() + 1, windows.end(), [&](const av::time_window& x) {
      return std::abs(av_rescale(x.from_pts, whole.sample_rate, 90'000) - sample) < blind;
    });
  };
  auto noise = 0.0;
  auto signal = 0.0;
  for (size_t i = 0; i < std::min(whole.samples.size(), joined.samples.size()); ++i) {
    if (near_joint(whole.first_sample + static_cast<int64_t>(i)))
      continue;
    noise += std::pow(whole.samples[i] - joined.samples[i], 2);
    signal += std::pow(whole.samples[i], 2);
  }
  BOOST_TEST(signal > 0.0);
  BOOST_TEST(noise <= share_max * signal);
}

struct scenario {
  std::string name;
  const source* from;
  std::vector<av::track_plan> plan;
  double noise_share_max = 0.05; ///< allowed for an audio encoder whose state reaches beyond the joint
};

/// A live encode's random-access points: its first picture, and the first one at or after each multiple of the interval
/// of source time.
void check_grid(const std::vector<const AVPacket*>& pictures, int64_t interval) {
  std::vector<int64_t> due;
  std::vector<int64_t> keys;
  std::set<int64_t> times;
  for (auto* x : pictures) {
    times.insert(x->pts);
    if ((x->flags & AV_PKT_FLAG_KEY) != 0)
      keys.push_back(x->pts);
  }
  for (auto x : times)
    if (due.empty() || x / interval > due.back() / interval)
      due.push_back(x);
  BOOST_TEST(keys == due, boost::test_tools::per_element());
}

void check_partition(const scenario& what, const result& whole, unsigned seed) {
  BOOST_TEST_CONTEXT(what.name << ", TROUPE_SEED=" << seed) {
    std::mt19937 random{seed};
    auto windows = partition(*what.from, random);
    std::vector<std::vector<int64_t>> times(2);
    std::map<int64_t, std::optional<uint32_t>> numbers;
    std::vector<result> parts;
    // Copied windows are parts of one stream: a viewer decodes them in a row, with one decoder.
    auto copied = std::holds_alternative<av::copy_track>(what.plan[0]);
    std::vector<const AVPacket*> copy;
    for (const auto& window : windows) {
      BOOST_TEST_CONTEXT("window " << window.from_pts << " to " << window.to_pts) {
        parts.push_back(run(*what.from, what.plan, window));
        auto& part = parts.back();
        for (const auto& packet : part.packets)
          BOOST_TEST(window.contains(copied ? packet->dts : packet->pts));
        collect(part, 0, times[0]);
        collect(part, 1, times[1]);
        auto pictures = part.of(0);
        if (copied)
          copy.insert(copy.end(), pictures.begin(), pictures.end());
        if (copied || pictures.empty())
          continue;
        BOOST_TEST((pictures.front()->flags & AV_PKT_FLAG_KEY) != 0);
        if (auto* live = std::get_if<av::video_settings>(&what.plan[0]); live != nullptr && live->low_delay)
          check_grid(pictures, 90 * live->keyframe_interval.count());
        for (const auto& x : show(part.tracks[0], pictures))
          BOOST_TEST(numbers.emplace(x.pts, x.number).second);
      }
    }
    for (const auto& x : show(whole.tracks[0], copy))
      BOOST_TEST(numbers.emplace(x.pts, x.number).second);
    for (auto output : {0, 1}) {
      std::vector<int64_t> expected;
      collect(whole, output, expected);
      auto& got = times[static_cast<size_t>(output)];
      std::sort(expected.begin(), expected.end());
      std::sort(got.begin(), got.end());
      BOOST_TEST(got == expected, boost::test_tools::per_element());
    }
    auto pictures = show(whole.tracks[0], whole.of(0));
    BOOST_TEST(pictures.size() == numbers.size());
    for (const auto& x : pictures) {
      BOOST_TEST(x.number.has_value());
      BOOST_TEST((numbers[x.pts] == x.number));
    }
    std::vector<const AVPacket*> joined;
    for (const auto& part : parts)
      for (auto* packet : part.of(1))
        joined.push_back(packet);
    compare_sound(play(whole.tracks[1], whole.of(1)), play(whole.tracks[1], joined), windows, what.noise_share_max);
  }
}

void check(const scenario& what) {
  auto whole = run(*what.from, what.plan);
  BOOST_REQUIRE(!whole.of(0).empty());
  BOOST_REQUIRE(!whole.of(1).empty());
  auto first = troupe::test::from_environment("TROUPE_SEED", 1);
  for (auto seed = first; seed < first + troupe::test::from_environment("TROUPE_SEEDS", 3); ++seed)
    check_partition(what, whole, seed);
}

const source& closed_gop() {
  static auto result = make(make_video({}), make_audio({.encoder = "aac"}));
  return result;
}

const source& open_gop() {
  static auto result = make(make_video({.encoder = "libx265",
                                        .frames = 80,
                                        .gop = 16,
                                        .b_frames = 4,
                                        .options = {{"x265-params", "log-level=none:b-adapt=2:rc-lookahead=20"}}}),
                            make_audio({}));
  return result;
}

const source& open_gop_h264() {
  static auto result =
    make(make_video({.gop = 16, .b_frames = 3, .options = {{"x264-params", "open-gop=1:b-adapt=2"}}}),
         make_audio({.channels = 1}));
  return result;
}

const source& interlaced() {
  static auto result = make(make_video({.encoder = "mpeg2video", .height = 128, .gop = 12, .interlaced = true}),
                            make_audio({.sample_rate = 44'100, .first_sample = 441'000, .samples = 132'300}));
  return result;
}

/// A source that lacks a group of pictures, a short piece of sound that is filled, and one that is too long to be
/// filled.
const source& holed() {
  static auto result = [] {
    auto pictures = make_video({.frames = 100, .gop = 10});
    auto tones = make_audio({.samples = 192'000});
    auto cut = [](stream& from, int64_t begin, int64_t end) {
      std::erase_if(from.packets, [&](const auto& x) { return x->pts >= 900'000 + begin && x->pts < 900'000 + end; });
    };
    cut(pictures, 40 * 3'600, 60 * 3'600);
    cut(tones, 90'000, 90'000 + 25'000);
    cut(tones, 180'000, 180'000 + 65'000);
    return make(std::move(pictures), std::move(tones));
  }();
  return result;
}

/// A file as a job's windows read it: indexed, then read with the times that the index found.
source read_indexed(const std::string& path) {
  auto options = troupe::av::test::from(path);
  auto index = av::index_source(options, unwatched());
  BOOST_REQUIRE(index);
  options.grid = index->video_stream()->grid;
  options.keep_times = true;
  auto opened = av::demuxer::open(options, never);
  BOOST_REQUIRE(opened);
  source result;
  for (auto packet = av::make_packet();; packet = av::make_packet()) {
    auto more = opened->read(*packet);
    BOOST_REQUIRE(more);
    if (!*more)
      break;
    result.packets.push_back(std::move(packet));
  }
  result.tracks = av::clone(opened->tracks());
  return result;
}

/// Times rounded to Matroska's milliseconds, from a start that is not a whole millisecond.
source rounded(AVRational rate) {
  video_source seen{.frame_rate = rate, .frames = 100, .gop = 15, .first_pts = 901'930, .global_header = true};
  std::vector<stream> streams;
  streams.push_back(make_video(seen));
  streams.push_back(make_audio({}));
  return read_indexed(write_source(as_clip(std::move(streams)), "rounded-" + std::to_string(rate.num) + ".mkv"));
}

} // namespace

BOOST_AUTO_TEST_CASE(the_open_gop_sources_have_leading_pictures) {
  for (auto* from : {&open_gop(), &open_gop_h264()}) {
    auto key = av::no_pts;
    auto leading = 0;
    for (const auto& x : from->packets) {
      if (x->stream_index != 0)
        continue;
      if ((x->flags & AV_PKT_FLAG_KEY) != 0)
        key = x->pts;
      leading += x->pts < key ? 1 : 0;
    }
    BOOST_TEST(leading > 0);
  }
}

BOOST_AUTO_TEST_CASE(a_closed_gop_source_is_the_same_in_any_partition) {
  check({"closed GOP", &closed_gop(), {video(), audio("aac")}});
}

BOOST_AUTO_TEST_CASE(an_open_gop_source_is_the_same_in_any_partition) {
  check({"HEVC, open GOP", &open_gop(), {video(), audio("mp2")}});
  check({"H.264, open GOP", &open_gop_h264(), {video(), audio("aac")}});
}

BOOST_AUTO_TEST_CASE(an_interlaced_source_is_the_same_in_any_partition) {
  check({"interlaced, 44.1 to 48 kHz", &interlaced(), {video(), audio("aac", 48'000)}});
}

BOOST_AUTO_TEST_CASE(a_picture_per_field_is_the_same_in_any_partition) {
  auto settings = video();
  settings.deinterlacing = av::deinterlace::field_rate;
  check({"field rate", &interlaced(), {settings, audio("ac3", 48'000)}});
}

BOOST_AUTO_TEST_CASE(a_converted_frame_rate_is_the_same_in_any_partition) {
  auto settings = video();
  settings.frame_rate = {30'000, 1'001};
  settings.width = 320;
  check({"29.97 frames a second", &closed_gop(), {settings, audio("libopus")}});
  settings.frame_rate = {10, 1};
  check({"10 frames a second", &open_gop(), {settings, audio("libmp3lame")}});
}

BOOST_AUTO_TEST_CASE(a_frame_rate_of_rounded_times_is_the_same_in_any_partition) {
  auto settings = video();
  settings.frame_rate = {30, 1};
  auto fast = rounded({60, 1});
  BOOST_REQUIRE(fast.tracks[0].grid->is_even());
  check({"60 to 30", &fast, {settings, audio("aac")}});
  settings.frame_rate = {24'000, 1'001};
  auto film = rounded({24'000, 1'001});
  check({"24000/1001 to itself", &film, {settings, audio("aac")}});
}

BOOST_AUTO_TEST_CASE(an_encoder_that_counts_frames_is_the_same_in_any_partition) {
  check({"MPEG-2", &closed_gop(), {video("mpeg2video"), audio("mp2")}});
}

BOOST_AUTO_TEST_CASE(a_resampled_sample_is_the_same_in_any_partition) {
  // Uncompressed, so that only the resampler's own rounding is left.
  check({"PCM", &interlaced(), {video(), audio("pcm_s16le", 48'000)}, 1e-6});
}

BOOST_AUTO_TEST_CASE(a_live_encode_is_the_same_in_any_partition_with_its_random_access_points_on_one_grid) {
  for (auto* encoder : {"libx264", "mpeg2video", "libsvtav1"}) {
    auto settings = video(encoder);
    settings.b_frames = std::string_view{encoder} == "libsvtav1" ? -1 : 2;
    settings.low_delay = true;
    settings.keyframe_interval = std::chrono::milliseconds{600};
    check({std::string{"live, "} + encoder, &closed_gop(), {settings, audio("aac")}});
    settings.frame_rate = {30'000, 1'001};
    check({std::string{"live at 29.97, "} + encoder, &holed(), {settings, audio("aac")}});
  }
}

BOOST_AUTO_TEST_CASE(a_source_with_gaps_is_the_same_in_any_partition) {
  auto settings = video();
  check({"gaps", &holed(), {settings, audio("aac")}});
  settings.frame_rate = {25, 1};
  check({"gaps, frame rate set", &holed(), {settings, audio("libopus")}});
}

BOOST_AUTO_TEST_CASE(a_copy_is_the_same_in_any_partition) {
  check({"copy", &closed_gop(), {av::copy_track{}, av::copy_track{}}, 1e-9});
}

BOOST_AUTO_TEST_SUITE_END()
