// Goal: with any container and any fault of a source, the demuxer returns one unbroken timeline of well-formed packets,
// or an error that names the fault. Method: clips are encoded here, written into containers with known times and known
// damage, and read back.
#include "encoder/source/demuxer.hpp"

#include "clip.hpp"
#include "reading.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace troupe::av;
using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(demuxer_test)

namespace {

/// The number of sequence parameter sets in an H.264 packet in Annex B, or -1 if it does not begin with a start code.
int parameter_sets(const AVPacket& x) {
  if (x.size < 4 || x.data[0] != 0 || x.data[1] != 0 || (x.data[2] != 1 && x.data[3] != 1))
    return -1;
  int result = 0;
  for (int i = 0; i + 3 < x.size; ++i)
    result += x.data[i] == 0 && x.data[i + 1] == 0 && x.data[i + 2] == 1 && (x.data[i + 3] & 0x1f) == 7;
  return result;
}

int count_frames(const seen& x) {
  const auto& parameters = *x.tracks[static_cast<size_t>(x.video().front()->stream_index)].parameters;
  codec_context_ptr decoder{avcodec_alloc_context3(avcodec_find_decoder(parameters.codec_id))};
  BOOST_REQUIRE(avcodec_parameters_to_context(decoder.get(), &parameters) >= 0);
  BOOST_REQUIRE(avcodec_open2(decoder.get(), nullptr, nullptr) >= 0);
  auto frame = make_frame();
  int result = 0;
  auto drain = [&](const AVPacket* packet) {
    BOOST_REQUIRE(avcodec_send_packet(decoder.get(), packet) >= 0);
    while (avcodec_receive_frame(decoder.get(), frame.get()) >= 0) {
      BOOST_TEST(frame->decode_error_flags == 0);
      ++result;
    }
  };
  for (const auto* packet : x.video())
    drain(packet);
  drain(nullptr);
  return result;
}

const clip& plain() {
  static const auto instance = make_clip({});
  return instance;
}

const clip& with_global_header() {
  static const auto instance = [] {
    clip_settings x;
    x.global_header = true;
    return make_clip(x);
  }();
  return instance;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_container_gives_the_same_pictures_at_the_same_times) {
  struct form {
    const char* format;
    const char* name;
    bool global;
    int64_t rounding;
  };
  for (const auto& x : {form{"mpegts", "same.ts", false, 0}, form{"mp4", "same.mp4", true, 45},
                        form{"matroska", "same.mkv", true, 45}, form{"flv", "same.flv", true, 45}}) {
    BOOST_TEST_CONTEXT(x.format) {
      const auto& made = x.global ? with_global_header() : plain();
      auto base = int64_t{100} * 90'000;
      auto path = write_file(made, x.format, x.name, moved(base));
      auto got = read_all(from(path));
      BOOST_TEST(got.tracks.size() == 2u);
      auto video = got.video();
      BOOST_REQUIRE(video.size() == 75u);
      std::vector<int64_t> expected;
      for (const auto& y : made.packets)
        if (y->stream_index == 0)
          expected.push_back(y->pts + base);
      // Some containers always begin at zero.
      auto offset = video[0]->pts - expected[0];
      for (size_t i = 0; i < video.size(); ++i) {
        BOOST_TEST(std::abs(video[i]->pts - expected[i] - offset) <= 2 * x.rounding);
        BOOST_TEST(parameter_sets(*video[i]) == ((video[i]->flags & AV_PKT_FLAG_KEY) != 0 ? 1 : 0));
      }
      BOOST_TEST((video[0]->flags & AV_PKT_FLAG_KEY) != 0);
      BOOST_TEST(count_frames(got) == 75);
      auto audio = got.audio();
      for (size_t i = 1; i < audio.size(); ++i)
        BOOST_TEST(audio[i]->pts == audio[i - 1]->pts + audio[i - 1]->duration);
      BOOST_TEST(std::abs(audio[0]->pts - (base + offset) + 1920) <= 2 * x.rounding + 1);
      BOOST_TEST(got.counters.discontinuities == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_transport_stream_keeps_its_times) {
  auto base = int64_t{5000} * 90'000;
  auto got = read_all(from(write_file(plain(), "mpegts", "kept.ts", moved(base))));
  BOOST_TEST(got.video()[0]->pts == base);
  BOOST_TEST(got.audio()[0]->pts == base - 1920);
}

BOOST_AUTO_TEST_CASE(a_wrap_in_mid_stream_goes_unnoticed) {
  auto base = (int64_t{1} << 33) - 90'000;
  auto got = read_all(from(write_file(plain(), "mpegts", "wrap.ts", moved(base))));
  auto video = got.video();
  BOOST_REQUIRE(video.size() == 75u);
  int64_t highest = 0;
  for (const auto* x : video)
    highest = std::max(highest, x->pts);
  BOOST_TEST(highest == base + 74 * 3600);
  BOOST_TEST(got.counters.discontinuities == 0u);
}

BOOST_AUTO_TEST_CASE(a_splice_is_closed_for_all_tracks_alike) {
  auto a = read_bytes(write_file(plain(), "mpegts", "a.ts", moved(900'000)));
  auto b = read_bytes(write_file(plain(), "mpegts", "b.ts", moved(90'000 * 5000)));
  auto got = read_all(from(write_bytes("spliced.ts", a + b)));
  BOOST_TEST(got.counters.discontinuities == 1u);
  auto video = got.video();
  BOOST_REQUIRE(video.size() == 150u);
  BOOST_TEST(std::abs(video[75]->dts - video[74]->dts - 3600) <= 20'000);
  const AVPacket* flagged = nullptr;
  for (const auto* x : got.audio())
    if ((x->flags & packet_flag_discontinuity) != 0)
      flagged = x;
  BOOST_REQUIRE(flagged != nullptr);
  // The sound of the first clip is a little longer than its picture, so the second clip begins where that sound
  // ends. In each clip, the first sound is 1920 ticks before the first picture, and the last packet 73 frames after it.
  BOOST_TEST(video[149]->pts - flagged->pts == 1920 + 73 * 3600);
}

BOOST_AUTO_TEST_CASE(a_join_in_mid_gop_starts_at_the_next_random_access_point) {
  auto whole = read_bytes(write_file(plain(), "mpegts", "whole.ts", moved(900'000)));
  auto packets = whole.size() / 188;
  auto got = read_all(from(write_bytes("joined.ts", whole.substr(packets / 6 * 188))));
  auto video = got.video();
  BOOST_REQUIRE(!video.empty());
  BOOST_TEST((video[0]->flags & AV_PKT_FLAG_KEY) != 0);
  BOOST_TEST(video[0]->pts == 900'000 + 25 * 3600);
  BOOST_TEST(got.counters.dropped_packets > 0u);
  BOOST_TEST(count_frames(got) == 50);
}

BOOST_AUTO_TEST_CASE(a_video_without_random_access_point_is_refused_with_the_reason) {
  auto edit = [](AVPacket& x) {
    x.pts += 900'000;
    x.dts += 900'000;
    return x.stream_index != 0 || (x.flags & AV_PKT_FLAG_KEY) == 0;
  };
  clip_settings settings;
  settings.gop = 1000;
  auto x = failure(from(write_file(make_clip(settings), "mpegts", "no-rap.ts", edit)));
  BOOST_TEST(static_cast<int>(x.code) == static_cast<int>(errc::media));
  BOOST_TEST(x.what.find("no random-access point") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_loop_goes_on_by_the_length_of_the_longest_track) {
  for (const auto* format : {"mpegts", "mp4", "matroska"}) {
    BOOST_TEST_CONTEXT(format) {
      const auto& made = std::string_view{format} == "mpegts" ? plain() : with_global_header();
      auto options = from(write_file(made, format, std::string{"loop."} + format, moved(900'000)));
      auto once = read_all(options);
      options.loop = true;
      auto got = read_all(options, once.packets.size() * 3);
      auto video = got.video();
      auto audio = got.audio();
      BOOST_REQUIRE(video.size() >= 3 * 75u);
      auto period = video[75]->pts - video[0]->pts;
      auto length = audio[once.audio().size() - 1]->pts + audio[once.audio().size() - 1]->duration - audio[0]->pts;
      BOOST_TEST(std::abs(period - length) <= 90);
      for (size_t i = 75; i < 3 * 75; ++i) {
        BOOST_TEST(std::abs(video[i]->pts - video[i - 75]->pts - period) <= 1);
        BOOST_TEST(video[i]->size == video[i % 75]->size);
      }
      BOOST_TEST(got.counters.discontinuities == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_elementary_stream_gets_its_times_from_frame_rate_and_order) {
  clip_settings settings;
  settings.audio.clear();
  for (const auto* encoder : {"libx264", "libx265"}) {
    settings.video = encoder;
    settings.options.clear();
    if (settings.video == "libx265")
      settings.options = {{"preset", "ultrafast"}, {"x265-params", "log-level=none:pools=none:frame-threads=1"}};
    BOOST_TEST_CONTEXT(encoder) {
      auto made = make_clip(settings);
      auto format = settings.video == "libx264" ? "h264" : "hevc";
      auto got = read_all(from(write_file(made, format, std::string{"raw."} + format)));
      auto video = got.video();
      BOOST_REQUIRE(video.size() == 75u);
      for (size_t i = 0; i < video.size(); ++i)
        BOOST_TEST(video[i]->pts == made.packets[i]->pts - made.packets[0]->pts);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_track_that_begins_late_is_added) {
  clip_settings settings;
  settings.frames = 200;
  auto path = write_file(make_clip(settings), "mpegts", "late.ts", [](AVPacket& x) {
    x.pts += 900'000;
    x.dts += 900'000;
    return x.stream_index == 0 || x.pts > 900'000 + 5 * 90'000;
  });
  auto source = demuxer::open(from(path), never);
  BOOST_REQUIRE(source);
  BOOST_TEST(source->tracks().size() == 1u);
  auto got = read_all(*source);
  BOOST_REQUIRE(got.tracks.size() == 2u);
  BOOST_TEST(got.tracks[1].parameters->sample_rate == 48'000);
  BOOST_TEST(std::abs(got.audio()[0]->pts - 900'000 - 5 * 90'000) < 9000);
}

BOOST_AUTO_TEST_CASE(damage_is_counted_and_survived) {
  auto whole = read_bytes(write_file(plain(), "mpegts", "sound.ts", moved(900'000)));
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random{seed};
      auto bytes = whole;
      for (int i = 0; i < 30; ++i)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      if (seed % 3 == 0)
        bytes.erase(random() % (bytes.size() / 2), random() % 5000);
      auto source = demuxer::open(from(write_bytes("damaged.ts", bytes)), never);
      if (source)
        read_all(*source);
      else
        BOOST_TEST(source.error().what.size() > 10u);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
