// Goal: a codec's name says what the stream is, in the words of RFC 6381. Method: examples from the specifications and
// from streams that players are known to take, written here byte by byte.
#include "packaging/codec_names.hpp"

#include <boost/test/unit_test.hpp>

#include <initializer_list>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(codec_names_test)

namespace {

shared_bytes bytes(std::initializer_list<unsigned> values) {
  shared_bytes::container result;
  for (auto x : values)
    result.push_back(static_cast<std::byte>(x));
  return shared_bytes{std::move(result)};
}

std::string name(const std::string& codec, std::initializer_list<unsigned> extradata, int profile = -99,
                 int level = -99) {
  track_format x;
  x.codec = codec;
  x.extradata = bytes(extradata);
  x.codec_profile = profile;
  x.codec_level = level;
  return codec_name(x);
}

std::string name_of_pixels(const std::string& codec, const std::string& pixel_format, int profile, int level) {
  track_format x;
  x.codec = codec;
  x.pixel_format = pixel_format;
  x.codec_profile = profile;
  x.codec_level = level;
  return codec_name(x);
}

} // namespace

BOOST_AUTO_TEST_CASE(h264_is_named_by_the_bytes_of_its_sequence_parameter_set) {
  BOOST_TEST(name("h264", {0, 0, 0, 1, 0x67, 0x64, 0x00, 0x1f, 0xac, 0, 0, 0, 1, 0x68, 0xee}) == "avc1.64001f");
  BOOST_TEST(name("h264", {0, 0, 1, 0x09, 0x10, 0, 0, 1, 0x27, 0x42, 0xe0, 0x0a, 0x89}) == "avc1.42e00a");
  BOOST_TEST(name("h264", {1, 0x4d, 0x40, 0x28, 0xff, 0xe1, 0, 4, 0x67, 0x4d, 0x40, 0x28, 1, 0, 1, 0x68})
             == "avc1.4d4028");
}

BOOST_AUTO_TEST_CASE(h264_without_extradata_is_named_by_profile_and_level) {
  BOOST_TEST(name("h264", {}, 100, 31) == "avc1.64001f");
  BOOST_TEST(name("h264", {}, 66 | 1 << 9, 30) == "avc1.42401e");
  BOOST_TEST(name("h264", {}, 110 | 1 << 11, 40) == "avc1.6e1028");
  BOOST_TEST(name("h264", {}) == "");
}

BOOST_AUTO_TEST_CASE(hevc_is_named_by_profile_tier_and_level) {
  // The zeros contain emulation prevention bytes.
  BOOST_TEST(name("hevc", {0, 0, 0, 1, 0x42, 0x01, 0x01, 0x01, 0x60, 0, 0, 3, 0, 0xb0, 0, 0, 3, 0, 0, 3, 0, 0x5d, 0xa0})
             == "hvc1.1.6.L93.B0");
  BOOST_TEST(name("hevc", {0, 0, 0, 1, 0x42, 0x01, 0x01, 0x22, 0x20, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x99, 0xa0})
             == "hvc1.2.4.H153.90");
  // hvcC with one array of one set; profile space B; constraints that end with a zero.
  BOOST_TEST(name("hevc", {1,    0x84, 0x08, 0,    0, 0, 0x9e, 0x08, 0,  0, 0, 0, 120, 0xf0, 0,
                           0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f, 1,    33, 0, 1, 0, 15,  0x42, 1,
                           1,    0x84, 8,    0,    0, 0, 0x9e, 8,    0,  0, 0, 0, 120})
             == "hvc1.B4.10.L120.9E.8");
  BOOST_TEST(name("hevc", {}, 1, 93) == "hvc1.1.6.L93");
  BOOST_TEST(name("hevc", {}, 2, 120) == "hvc1.2.4.L120");
  BOOST_TEST(name("hevc", {}) == "");
}

BOOST_AUTO_TEST_CASE(av1_is_named_by_its_record) {
  BOOST_TEST(name("av1", {0x81, 0x04, 0x0c, 0}) == "av01.0.04M.08");
  BOOST_TEST(name("av1", {0x81, 0x2d, 0xcc, 0}) == "av01.1.13H.10");
  BOOST_TEST(name("av1", {0x81, 0x4c, 0x6c, 0}) == "av01.2.12M.12");
  BOOST_TEST(name_of_pixels("av1", "yuv420p10le", 0, 8) == "av01.0.08M.10");
  BOOST_TEST(name_of_pixels("av1", "", 0, 8) == "");
  BOOST_TEST(name("av1", {}) == "");
}

BOOST_AUTO_TEST_CASE(vp9_is_named_by_its_box) {
  BOOST_TEST(name("vp9", {1, 0, 0, 0, 0, 31, 0x82, 1, 1, 1, 0, 0}) == "vp09.00.31.08");
  BOOST_TEST(name_of_pixels("vp9", "yuv420p10le", 2, 41) == "vp09.02.41.10");
  BOOST_TEST(name("vp9", {}) == "");
}

BOOST_AUTO_TEST_CASE(aac_is_named_by_its_object_type) {
  BOOST_TEST(name("aac", {0x11, 0x90}) == "mp4a.40.2");
  BOOST_TEST(name("aac", {0x2b, 0x92, 0x08, 0x00}) == "mp4a.40.5");
  BOOST_TEST(name("aac", {0xeb, 0x8a, 0x08, 0x00}) == "mp4a.40.29");
  BOOST_TEST(name("aac", {0xf9, 0x46, 0x40}) == "mp4a.40.42");
  // With implicit signalling the configuration says low complexity, and only the profile says HE-AAC.
  BOOST_TEST(name("aac", {0x13, 0x90}, 4) == "mp4a.40.5");
  BOOST_TEST(name("aac", {}, 28) == "mp4a.40.29");
  BOOST_TEST(name("aac", {}) == "mp4a.40.2");
}

BOOST_AUTO_TEST_CASE(other_sound_has_fixed_names) {
  BOOST_TEST(name("ac3", {}) == "ac-3");
  BOOST_TEST(name("eac3", {}) == "ec-3");
  BOOST_TEST(name("opus", {}) == "opus");
  BOOST_TEST(name("flac", {}) == "flac");
  track_format x;
  x.codec = "mp3";
  x.sample_rate = 44'100;
  BOOST_TEST(codec_name(x) == "mp4a.6B");
  x.sample_rate = 22'050;
  BOOST_TEST(codec_name(x) == "mp4a.69");
}

BOOST_AUTO_TEST_CASE(extradata_that_ends_early_is_no_harm) {
  for (const std::string codec : {"h264", "hevc", "av1", "vp9", "aac"})
    for (auto begin : {0x00U, 0x01U, 0x81U, 0xf9U}) {
      shared_bytes::container x;
      for (auto i = 0; i < 40; ++i) {
        track_format format;
        format.codec = codec;
        format.extradata = shared_bytes{x};
        BOOST_TEST(codec_name(format).size() < 64u);
        x.push_back(static_cast<std::byte>(i == 0 ? begin : 1U));
      }
    }
  BOOST_TEST(name("mpeg2video", {}) == "");
  BOOST_TEST(name("", {}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
