// Goal: samples match their options: containers, codecs, GOPs, fields, lengths; wrong options are refused with a
// reason. Method: small samples are written and read back with plain libavformat and libavcodec.
#include "sample_file.hpp"

#include "encoder/format_ptr.hpp"
#include "rig/frame_code.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace troupe;
using namespace troupe::bench;

BOOST_AUTO_TEST_SUITE(sample_test)

namespace {

struct picture {
  uint32_t number = 0;
  AVPictureType type = AV_PICTURE_TYPE_NONE;
  bool interlaced = false;
  bool top_first = false;
  bool key = false;
};

struct contents {
  std::vector<picture> pictures; ///< in the order of presentation
  std::vector<AVCodecID> codecs;
  AVRational frame_rate{0, 1};
  AVRational aspect{0, 1};
  std::vector<uint8_t> keyed_types; ///< first NAL types of random-access packets, H.265 only
  double audio_seconds = 0;
};

contents read_all(const std::string& path) {
  contents result;
  av::input_context_ptr input;
  BOOST_REQUIRE(av::open_input(input, path) >= 0);
  BOOST_REQUIRE(avformat_find_stream_info(input.get(), nullptr) >= 0);
  av::codec_context_ptr decoder;
  int video = -1;
  for (unsigned i = 0; i < input->nb_streams; ++i) {
    auto& parameters = *input->streams[i]->codecpar;
    result.codecs.push_back(parameters.codec_id);
    if (parameters.codec_type != AVMEDIA_TYPE_VIDEO)
      continue;
    video = static_cast<int>(i);
    result.frame_rate = input->streams[i]->avg_frame_rate;
    result.aspect = parameters.sample_aspect_ratio;
    auto* codec = avcodec_find_decoder(parameters.codec_id);
    decoder.reset(avcodec_alloc_context3(codec));
    avcodec_parameters_to_context(decoder.get(), &parameters);
    BOOST_REQUIRE(avcodec_open2(decoder.get(), codec, nullptr) >= 0);
  }
  auto frame = av::make_frame();
  auto take = [&](const AVPacket* packet) {
    BOOST_TEST(avcodec_send_packet(decoder.get(), packet) >= 0);
    while (avcodec_receive_frame(decoder.get(), frame.get()) >= 0) {
      auto number = read_frame_code(*frame);
      BOOST_TEST(number.has_value());
      result.pictures.push_back({number.value_or(0), frame->pict_type, frame->interlaced_frame != 0,
                                 frame->top_field_first != 0, frame->key_frame != 0});
    }
  };
  auto packet = av::make_packet();
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    if (packet->stream_index == video) {
      for (int i = 0; input->streams[video]->codecpar->codec_id == AV_CODEC_ID_HEVC && i + 3 < packet->size
                      && (packet->flags & AV_PKT_FLAG_KEY) != 0;
           ++i) {
        auto* byte = packet->data + i;
        if (byte[0] == 0 && byte[1] == 0 && byte[2] == 1)
          result.keyed_types.push_back(static_cast<uint8_t>(byte[3] >> 1 & 0x3F));
      }
      take(packet.get());
    } else {
      result.audio_seconds =
        static_cast<double>(packet->pts + packet->duration) * av_q2d(input->streams[packet->stream_index]->time_base)
        - static_cast<double>(input->start_time) / AV_TIME_BASE;
    }
    av_packet_unref(packet.get());
  }
  if (decoder)
    take(nullptr);
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(lengths_are_whole_marker_intervals) {
  auto frames = [](AVRational rate, double seconds) {
    sample_options options;
    options.frame_rate = rate;
    options.seconds = seconds;
    return frame_count(options);
  };
  BOOST_TEST(frames({25, 1}, 10) == 250u);
  BOOST_TEST(frames({25, 1}, 0.1) == 25u);
  BOOST_TEST(frames({25, 1}, 9.5) == 250u);
  BOOST_TEST(frames({30'000, 1001}, 10) == 300u);
  BOOST_TEST(frames({30'000, 1001}, 10.01) == 300u);
  BOOST_TEST(frames({50, 1}, 2) == 100u);
}

BOOST_AUTO_TEST_CASE(x264_makes_closed_gops_with_b_frames) {
  sample_folder folder;
  auto options = small_sample();
  options.video_preset = "superfast";
  options.sample_aspect = {16, 15};
  auto read = read_all(folder.make("x264.ts", options));
  BOOST_TEST((read.codecs == std::vector{AV_CODEC_ID_H264, AV_CODEC_ID_AAC}));
  BOOST_REQUIRE(read.pictures.size() == 100u);
  int b_frames = 0;
  for (uint32_t i = 0; i < 100; ++i) {
    BOOST_TEST(read.pictures[i].number == i);
    BOOST_TEST(read.pictures[i].key == (i % 25 == 0));
    b_frames += read.pictures[i].type == AV_PICTURE_TYPE_B ? 1 : 0;
  }
  BOOST_TEST(b_frames > 50);
  BOOST_TEST(av_cmp_q(read.frame_rate, {25, 1}) == 0);
  BOOST_TEST(av_cmp_q(read.aspect, {16, 15}) == 0);
  BOOST_TEST(std::abs(read.audio_seconds - 4) < 0.05);
}

BOOST_AUTO_TEST_CASE(x265_makes_open_gops) {
  sample_folder folder;
  auto options = small_sample();
  options.video_encoder = "libx265";
  options.audio_encoder = "ac3";
  auto read = read_all(folder.make("x265.ts", options));
  BOOST_TEST((read.codecs == std::vector{AV_CODEC_ID_HEVC, AV_CODEC_ID_AC3}));
  BOOST_TEST(read.pictures.size() == 100u);
  // CRA_NUT, ITU-T H.265 table 7-1: a random-access point with leading pictures before it.
  BOOST_TEST(std::count(read.keyed_types.begin(), read.keyed_types.end(), 21) >= 3);
}

BOOST_AUTO_TEST_CASE(mpeg2_makes_interlaced_pictures_top_field_first) {
  sample_folder folder;
  auto options = small_sample();
  options.height = 192;
  options.video_encoder = "mpeg2video";
  options.audio_encoder = "mp2";
  options.picture.interlaced = true;
  auto read = read_all(folder.make("mpeg2.ts", options));
  BOOST_TEST((read.codecs == std::vector{AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MP2}));
  BOOST_REQUIRE(read.pictures.size() == 100u);
  for (auto& each : read.pictures)
    BOOST_TEST((each.interlaced && each.top_first));
}

BOOST_AUTO_TEST_CASE(a_code_outlives_a_low_bit_rate) {
  sample_folder folder;
  auto options = small_sample();
  options.width = 640;
  options.height = 360;
  options.video_bit_rate = 300'000;
  options.video_preset = "veryfast";
  options.audio_encoder.clear();
  auto read = read_all(folder.make("low.mp4", options));
  BOOST_REQUIRE(read.pictures.size() == 100u);
  for (uint32_t i = 0; i < 100; ++i)
    BOOST_TEST(read.pictures[i].number == i);
}

BOOST_AUTO_TEST_CASE(a_sample_can_lack_pictures_or_sound) {
  sample_folder folder;
  auto options = small_sample();
  options.video_encoder.clear();
  options.audio_encoder = "libopus";
  BOOST_TEST((read_all(folder.make("sound.mkv", options)).codecs == std::vector{AV_CODEC_ID_OPUS}));
}

BOOST_AUTO_TEST_CASE(wrong_options_are_refused_with_a_reason) {
  sample_folder folder;
  auto refused = [&](auto change, const std::string& name = "x.ts") {
    auto options = small_sample();
    change(options);
    auto made = write_sample(folder.path(name), options);
    BOOST_REQUIRE(!made);
    return made.error().what;
  };
  using options_ref = sample_options&;
  BOOST_TEST(refused([](options_ref o) { o.width = 80; }).find("80x180") != std::string::npos);
  BOOST_TEST(refused([](options_ref o) { o.height = 181; }).find("even") != std::string::npos);
  BOOST_TEST(refused([](options_ref o) { o.frame_rate = {0, 0}; }).find("frame rate") != std::string::npos);
  BOOST_TEST(refused([](options_ref o) { o.seconds = -1; }).find("length") != std::string::npos);
  BOOST_TEST(refused([](options_ref o) { o.video_encoder = "nothing"; }).find("nothing") != std::string::npos);
  BOOST_TEST(refused([](options_ref o) { o.audio_encoder = "libx264"; }).find("libx264") != std::string::npos);
  BOOST_TEST(refused([](options_ref) {}, "x.unknown").find("extension") != std::string::npos);
  BOOST_TEST(refused([](options_ref) {}, "none/x.ts").find("none/x.ts") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
