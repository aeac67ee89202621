// Settings of one encoder, translated to another. The translated settings are set on the encoders of the linked
// library: software encoders are opened; hardware encoders get their options as far as possible without a device.
#include "encoder/codec/preset_translation.hpp"
#include "encoder/codec/video_encoder.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace troupe::av;

BOOST_AUTO_TEST_SUITE(preset_translation_test)

namespace {

constexpr const char* x264_presets[] = {"placebo", "veryslow", "slower",   "slow",      "medium",
                                        "fast",    "faster",   "veryfast", "superfast", "ultrafast"};

video_settings from(const std::string& encoder, const std::string& preset = {}, double crf = -1) {
  video_settings x;
  x.encoder = encoder;
  x.preset = preset;
  x.crf = crf;
  return x;
}

translated_settings to(const video_settings& x, const std::string& encoder) {
  auto result = translate_settings(x, encoder);
  BOOST_REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what));
  return *result;
}

bool is_here(const std::string& encoder) {
  return avcodec_find_encoder_by_name(encoder.c_str()) != nullptr;
}

/// Opens a software encoder and encodes a picture. For a hardware encoder, only sets its options.
void accepts(const video_settings& x) {
  auto* codec = avcodec_find_encoder_by_name(x.encoder.c_str());
  BOOST_REQUIRE(codec != nullptr);
  if ((codec->capabilities & (AV_CODEC_CAP_HARDWARE | AV_CODEC_CAP_HYBRID)) == 0) {
    video_format source;
    source.width = 320;
    source.height = 240;
    source.pixel_format = AV_PIX_FMT_YUV420P;
    source.frame_rate = {25, 1};
    auto opened = video_encoder::open(x, source);
    BOOST_REQUIRE_MESSAGE(opened.has_value(),
                          x.encoder << " preset " << x.preset << ": " << (opened ? "" : opened.error().what));
    // One picture, because SVT-AV1 does not close when it has seen none.
    auto picture = make_frame();
    picture->width = source.width;
    picture->height = source.height;
    picture->format = opened->format().pixel_format;
    picture->pts = 0;
    BOOST_REQUIRE(av_frame_get_buffer(picture.get(), 0) >= 0);
    for (auto* plane : picture->buf)
      if (plane != nullptr)
        std::fill(plane->data, plane->data + plane->size, uint8_t{100});
    size_t packets = 0;
    auto count = [&packets](AVPacket&) -> expected<void> {
      ++packets;
      return {};
    };
    BOOST_TEST(opened->encode(*picture, count).has_value());
    BOOST_TEST(opened->drain(count).has_value());
    BOOST_TEST(packets == 1u);
    return;
  }
  auto context = make_encoder_context(*codec);
  auto& family = family_of(x.encoder);
  auto set = [&](std::string_view option, std::string_view what, const std::string& value) {
    auto done = set_family_option(*context, option, what, value);
    BOOST_TEST(done.has_value(), x.encoder << " " << what << "=" << value << ": " << (done ? "" : done.error().what));
  };
  set(family.preset, "preset", x.preset);
  set(family.tune, "tune", x.tune);
  set(family.profile, "profile", x.profile);
  set(family.level, "level", x.level);
  auto quality = set_quality(*context, x.crf);
  BOOST_TEST(quality.has_value(), x.encoder << ": " << (quality ? "" : quality.error().what));
  auto options = set_further_options(*context, x.options);
  BOOST_TEST(options.has_value(), x.encoder << ": " << (options ? "" : options.error().what));
}

} // namespace

BOOST_AUTO_TEST_CASE(every_preset_and_quality_is_accepted_all_along_the_ladder) {
  for (auto& [codec, encoders] :
       std::map<std::string, std::vector<std::string>>{{"h264", {"libx264", "h264_nvenc", "h264_qsv", "h264_vaapi"}},
                                                       {"hevc", {"libx265", "hevc_nvenc", "hevc_qsv", "hevc_vaapi"}},
                                                       {"av1", {"libsvtav1", "libaom-av1"}}})
    for (auto preset : x264_presets)
      for (auto& encoder : encoders) {
        if (!is_here(encoder))
          continue;
        auto source = from(codec, preset, 23);
        if (codec == "av1")
          source.preset.clear();
        auto x = to(source, encoder);
        BOOST_TEST(x.left_out.empty());
        // The slowest presets of software encoders would only take time: their names are accepted like the others.
        if (encoder.starts_with("lib") && (source.preset == "placebo" || source.preset == "veryslow"))
          continue;
        accepts(x.settings);
      }
}

BOOST_AUTO_TEST_CASE(presets_go_there_and_back) {
  for (auto encoder : {"h264_nvenc", "h264_qsv", "h264_vaapi"})
    for (auto preset : {"slower", "slow", "medium", "fast", "faster", "veryfast"}) {
      auto there = to(from("libx264", preset), encoder);
      BOOST_TEST(to(there.settings, "libx264").settings.preset == preset, encoder << " " << preset);
    }
  BOOST_TEST(to(from("h264_nvenc", "p4"), "h264_qsv").settings.preset == "medium");
  BOOST_TEST(to(from("h264_nvenc", "slow"), "libx264").settings.preset == "slow");
}

BOOST_AUTO_TEST_CASE(constant_quality_keeps_its_quantiser_in_h264_and_hevc) {
  auto nvenc = to(from("libx264", {}, 23), "h264_nvenc").settings;
  BOOST_TEST(nvenc.crf == -1);
  BOOST_TEST(nvenc.options["rc"] == "constqp");
  BOOST_TEST(nvenc.options["qp"] == "23");
  BOOST_TEST(to(from("hevc_nvenc", {}, 28), "libx265").settings.crf == 28);
  BOOST_TEST(to(from("h264_nvenc", {}, 28), "h264_vaapi").settings.crf == 28);
  BOOST_TEST(to(from("libsvtav1", {}, 35), "av1_nvenc").settings.options["qp"] == "28");
}

BOOST_AUTO_TEST_CASE(constant_quality_has_a_scale_of_its_own_with_va_api) {
  BOOST_TEST(to(from("libsvtav1", {}, 35), "av1_vaapi").settings.crf == 140);
  BOOST_TEST(to(from("libvpx", {}, 63), "vp8_vaapi").settings.crf == 127);
  auto there = to(from("libvpx-vp9", {}, 31), "vp9_vaapi");
  BOOST_TEST(there.settings.crf == 126);
  BOOST_TEST(there.left_out.empty());
  BOOST_TEST(to(there.settings, "libvpx-vp9").settings.crf == 31);
  if (is_here("vp9_vaapi"))
    accepts(there.settings);
}

BOOST_AUTO_TEST_CASE(a_ceiling_on_the_bit_rate_stays_one) {
  auto x = from("libx264", {}, 23);
  x.max_bit_rate = 5'000'000;
  auto nvenc = to(x, "h264_nvenc").settings;
  BOOST_TEST(nvenc.options["rc"] == "vbr");
  BOOST_TEST(nvenc.crf == 23);
  BOOST_TEST(nvenc.max_bit_rate == 5'000'000);
  auto vaapi = to(x, "h264_vaapi");
  BOOST_TEST(vaapi.settings.crf == -1);
  BOOST_TEST(vaapi.settings.bit_rate == 5'000'000);
  BOOST_TEST((vaapi.left_out == std::vector<std::string>{"crf=23"}));
  accepts(nvenc);
}

BOOST_AUTO_TEST_CASE(low_delay_has_a_word_in_each_family) {
  auto x = from("libx264");
  x.tune = "zerolatency";
  BOOST_TEST(to(x, "h264_nvenc").settings.tune == "ull");
  auto qsv = to(x, "h264_qsv");
  BOOST_TEST(qsv.settings.tune.empty());
  BOOST_TEST(qsv.settings.low_delay);
  BOOST_TEST(qsv.left_out.empty());
  BOOST_TEST(to(to(x, "h264_nvenc").settings, "libx264").settings.tune == "zerolatency");
}

BOOST_AUTO_TEST_CASE(profiles_levels_and_pixels_are_said_in_each_familys_words) {
  auto x = from("libx264");
  x.profile = "baseline";
  x.level = "4.1";
  x.pixel_format = "yuv420p";
  auto vaapi = to(x, "h264_vaapi").settings;
  BOOST_TEST(vaapi.profile == "constrained_baseline");
  BOOST_TEST(vaapi.pixel_format == "nv12");
  auto qsv = to(x, "h264_qsv").settings;
  BOOST_TEST(qsv.level == "41");
  BOOST_TEST(to(qsv, "libx264").settings.level == "4.1");
  BOOST_TEST(to(vaapi, "libx264").settings.profile == "baseline");
  for (auto& y : {vaapi, qsv, to(x, "h264_nvenc").settings})
    accepts(y);
  auto ten = from("libx265");
  ten.profile = "main10";
  ten.pixel_format = "yuv420p10le";
  BOOST_TEST(to(ten, "hevc_nvenc").settings.pixel_format == "p010le");
  BOOST_TEST(to(to(ten, "hevc_qsv").settings, "libx265").settings.pixel_format == "yuv420p10le");
}

BOOST_AUTO_TEST_CASE(what_has_no_equivalent_is_left_out_and_named) {
  auto x = from("libx264", "medium");
  x.tune = "film";
  x.profile = "high422";
  x.options["x264-params"] = "aq-mode=3";
  auto y = to(x, "h264_nvenc");
  BOOST_TEST((y.left_out == std::vector<std::string>{"tune=film", "profile=high422", "x264-params=aq-mode=3"}));
  BOOST_TEST(y.settings.tune.empty());
  BOOST_TEST(y.settings.options.empty());
  accepts(y.settings);
  auto b = from("av1");
  b.b_frames = 2;
  BOOST_TEST(to(b, "libaom-av1").settings.b_frames == -1);
}

BOOST_AUTO_TEST_CASE(the_same_encoder_keeps_everything) {
  auto x = from("libx264", "medium", 20);
  x.tune = "film";
  x.options["aq-mode"] = "3";
  auto y = to(x, "libx264");
  BOOST_TEST(y.settings.tune == "film");
  BOOST_TEST(y.settings.options.size() == 1u);
  BOOST_TEST(y.left_out.empty());
}

BOOST_AUTO_TEST_CASE(another_codec_or_an_encoder_that_nobody_knows_is_an_error) {
  BOOST_TEST(!translate_settings(from("libx264"), "hevc_nvenc"));
  BOOST_TEST(!translate_settings(from("libx264"), "h264_magic"));
  BOOST_TEST(!translate_settings(from("prores_ks"), "libx264"));
}

BOOST_AUTO_TEST_SUITE_END()
