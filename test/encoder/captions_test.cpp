// Goal: closed captions reach viewers with exactly the pictures that they came with, whichever encoder made them and
// however it reorders; in AV1, in their order and at most a few pictures later. Method: pictures with captions from a
// fixed seed are encoded and decoded, as a player would; and packets of encoders that this machine cannot open are made
// from those of others.
#include "encoder/codec/captions.hpp"
#include "encoder/codec/decoder.hpp"
#include "encoder/codec/video_encoder.hpp"
#include "quick_settings.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <map>
#include <random>

namespace av = troupe::av;

using namespace troupe::av::test;

BOOST_AUTO_TEST_SUITE(captions_test)

namespace {

/// Captions by the time of their picture.
using caption_map = std::map<int64_t, std::vector<uint8_t>>;

constexpr int frames = 60;
constexpr int64_t frame_ticks = 3'600;

/// Some pictures have none; others have what 60 Hz or film pictures carry.
std::vector<uint8_t> random_pairs(std::mt19937& random) {
  auto count = std::uniform_int_distribution{0, 20}(random);
  std::vector<uint8_t> result;
  for (auto i = 0; i < count; ++i) {
    result.push_back(static_cast<uint8_t>(0xf8 | (random() & 7)));
    // Zeros that would look like a start code are among them.
    for (auto k = 0; k < 2; ++k)
      result.push_back(random() % 3 == 0 ? 0 : static_cast<uint8_t>(random()));
  }
  return result;
}

av::video_format format() {
  av::video_format result;
  result.width = 128;
  result.height = 96;
  result.pixel_format = AV_PIX_FMT_YUV420P;
  result.frame_rate = {25, 1};
  result.sample_aspect = {1, 1};
  return result;
}

av::frame_ptr picture_at(int64_t pts, int number) {
  auto frame = av::make_frame();
  frame->width = format().width;
  frame->height = format().height;
  frame->format = AV_PIX_FMT_YUV420P;
  frame->pts = pts;
  BOOST_REQUIRE(av_frame_get_buffer(frame.get(), 0) >= 0);
  for (auto plane = 0; plane < 3; ++plane)
    for (auto y = 0; y < (plane == 0 ? 96 : 48); ++y)
      for (auto x = 0; x < (plane == 0 ? 128 : 64); ++x)
        frame->data[plane][y * frame->linesize[plane] + x] = static_cast<uint8_t>((x + 3 * number) * (plane + 1) + y);
  return frame;
}

struct coded {
  av::track info;
  std::vector<av::packet_ptr> packets;
  caption_map captions;
};

coded encode(const av::video_settings& settings, uint32_t seed) {
  std::mt19937 random{seed};
  auto made = av::video_encoder::open(settings, format());
  BOOST_REQUIRE(made);
  coded result;
  auto keep = [&](AVPacket& x) -> av::expected<void> {
    result.packets.emplace_back(av::checked(av_packet_clone(&x)));
    return {};
  };
  for (auto n = 0; n < frames; ++n) {
    auto pts = 900'000 + n * frame_ticks;
    auto frame = picture_at(pts, n);
    if (auto pairs = random_pairs(random); !pairs.empty()) {
      auto* data = av::checked(av_frame_new_side_data(frame.get(), AV_FRAME_DATA_A53_CC, pairs.size()));
      std::memcpy(data->data, pairs.data(), pairs.size());
      result.captions.emplace(pts, std::move(pairs));
    }
    BOOST_REQUIRE(made->encode(*frame, keep));
  }
  BOOST_REQUIRE(made->drain(keep));
  result.info = made->output();
  return result;
}

caption_map captions_of(const av::track& info, const std::vector<av::packet_ptr>& packets) {
  auto made = av::decoder::open(info, {1, false});
  BOOST_REQUIRE(made);
  caption_map result;
  auto pictures = 0;
  auto keep = [&](AVFrame& x) -> av::expected<void> {
    ++pictures;
    if (const auto* data = av_frame_get_side_data(&x, AV_FRAME_DATA_A53_CC); data != nullptr)
      result[x.pts].assign(data->data, data->data + data->size);
    return {};
  };
  for (const auto& x : packets)
    BOOST_REQUIRE(made->decode(*x, keep));
  BOOST_REQUIRE(made->drain(keep));
  BOOST_TEST(pictures == frames);
  BOOST_TEST(made->corrupt() == 0u);
  return result;
}

av::video_settings quick(const std::string& encoder) {
  av::video_settings result;
  result.encoder = encoder;
  if (encoder.starts_with("libx26"))
    result.preset = "ultrafast";
  else if (encoder == "libsvtav1")
    result.preset = "12";
  else if (encoder == "libaom-av1")
    result.preset = "8";
  else if (encoder == "librav1e")
    result.preset = "10";
  result.bit_rate = 300'000;
  result.threads = 1;
  return result;
}

/// Each pair came once, in order, and not before its picture. What the last pictures had may be missing.
void check_order(const caption_map& given, const caption_map& shown) {
  constexpr size_t last_pictures = 16;
  std::vector<uint8_t> all;
  std::vector<int64_t> due;
  for (const auto& [pts, pairs] : given) {
    all.insert(all.end(), pairs.begin(), pairs.end());
    due.resize(all.size(), pts);
  }
  std::vector<uint8_t> seen;
  for (const auto& [pts, pairs] : shown) {
    seen.insert(seen.end(), pairs.begin(), pairs.end());
    BOOST_REQUIRE(seen.size() <= all.size());
    BOOST_TEST(due[seen.size() - 1] <= pts);
    BOOST_TEST(pts - due[seen.size() - 1] < static_cast<int64_t>(last_pictures) * frame_ticks);
  }
  BOOST_TEST(std::equal(seen.begin(), seen.end(), all.begin()));
  BOOST_TEST(all.size() - seen.size() <= last_pictures * 60);
}

bool is_reordered(const std::vector<av::packet_ptr>& packets) {
  for (size_t i = 1; i < packets.size(); ++i)
    if (packets[i]->pts < packets[i - 1]->pts)
      return true;
  return false;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_picture_has_the_captions_that_it_was_given) {
  for (const auto* encoder : {"libx264", "libx265", "libsvtav1", "libaom-av1", "librav1e", "mpeg2video"})
    for (auto b_frames : {0, 3}) {
      auto settings = quick(encoder);
      auto takes_b_frames =
        std::string_view{encoder}.starts_with("libx26") || encoder == std::string_view{"mpeg2video"};
      if (!takes_b_frames && b_frames > 0)
        continue; // AV1 encoders reorder as they like
      if (takes_b_frames)
        settings.b_frames = b_frames;
      for (auto seed : {1u, 2u}) {
        BOOST_TEST_CONTEXT(encoder << ", " << b_frames << " B-frames, seed " << seed) {
          auto made = encode(settings, seed);
          if (takes_b_frames)
            BOOST_TEST(is_reordered(made.packets) == (b_frames > 0));
          auto shown = captions_of(made.info, made.packets);
          if (takes_b_frames) {
            BOOST_TEST(shown.size() == made.captions.size());
            BOOST_TEST((shown == made.captions));
          } else {
            check_order(made.captions, shown);
          }
        }
      }
    }
}

// Encoders of devices write no captions in libavcodec 59. What they deliver has the form of x264's packets.
BOOST_AUTO_TEST_CASE(an_encoder_of_a_device_needs_no_option_for_captions) {
  auto settings = quick("libx264");
  settings.b_frames = 3;
  auto made = encode(settings, 3);
  auto plain = encode(settings, 3);
  for (auto& x : plain.packets) {
    // Nothing that x264 wrote may remain.
    auto* bytes = x->data;
    for (int i = 0; i + 8 < x->size; ++i)
      if (std::memcmp(bytes + i, "GA94", 4) == 0)
        bytes[i] = 'X';
  }
  BOOST_TEST(captions_of(plain.info, plain.packets).empty());
  const auto* device = avcodec_find_encoder_by_name("h264_v4l2m2m");
  BOOST_REQUIRE(device != nullptr);
  av::caption_keeper keeper{*device};
  auto frame = av::make_frame();
  for (const auto& [pts, pairs] : made.captions) {
    frame->pts = pts;
    av_frame_remove_side_data(frame.get(), AV_FRAME_DATA_A53_CC);
    auto* data = av::checked(av_frame_new_side_data(frame.get(), AV_FRAME_DATA_A53_CC, pairs.size()));
    std::memcpy(data->data, pairs.data(), pairs.size());
    keeper.take(*frame);
  }
  for (auto& x : plain.packets)
    keeper.put(*x);
  BOOST_TEST((captions_of(plain.info, plain.packets) == made.captions));
}

BOOST_AUTO_TEST_CASE(a_packet_without_a_place_for_captions_stays_as_it_is) {
  const auto* encoder = avcodec_find_encoder_by_name("libsvtav1");
  BOOST_REQUIRE(encoder != nullptr);
  const std::vector<std::vector<uint8_t>> packets{
    {},           {0x12},      {0x12, 0x80}, {0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, {0x32, 0x05, 0x10},
    {0x30, 0x10}, {0x36, 0x00}};
  for (const auto& bytes : packets) {
    av::caption_keeper keeper{*encoder};
    auto frame = av::make_frame();
    frame->pts = 7;
    auto* data = av::checked(av_frame_new_side_data(frame.get(), AV_FRAME_DATA_A53_CC, 3));
    std::memcpy(data->data, "\xfc\x94\x2c", 3);
    keeper.take(*frame);
    auto packet = av::make_packet();
    BOOST_REQUIRE(av_new_packet(packet.get(), static_cast<int>(bytes.size())) >= 0);
    std::copy(bytes.begin(), bytes.end(), packet->data);
    packet->pts = 7;
    keeper.put(*packet);
    BOOST_TEST(std::vector<uint8_t>(packet->data, packet->data + packet->size) == bytes,
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_SUITE_END()
