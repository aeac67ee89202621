#include "packaging/codec_names.hpp"

#include "packaging/parameter_sets.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
}

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <vector>

namespace troupe {

namespace {

using bytes = std::span<const std::byte>;

unsigned at(bytes data, size_t i) {
  return std::to_integer<unsigned>(data[i]);
}

template <class... Numbers>
std::string text(const char* format, Numbers... numbers) {
  std::array<char, 64> result{};
  std::snprintf(result.data(), result.size(), format, numbers...);
  return result.data();
}

/// The first `size` bytes of a NAL unit without emulation prevention: 00 00 03 stands for 00 00.
std::vector<std::byte> unescaped(bytes unit, size_t size) {
  std::vector<std::byte> result;
  auto zeros = 0;
  for (auto x : unit) {
    if (result.size() == size)
      break;
    if (zeros >= 2 && x == std::byte{3}) {
      zeros = 0;
      continue;
    }
    zeros = x == std::byte{0} ? zeros + 1 : 0;
    result.push_back(x);
  }
  return result;
}

/// The sequence parameter set in extradata; empty if there is none.
std::vector<std::byte> sequence_set(const track_format& x, unsigned first_byte_mask, unsigned first_byte) {
  for (auto& unit : parameter_sets_in_extradata(x.codec, x.extradata.span()))
    if ((at(unit, 0) & first_byte_mask) == first_byte)
      return std::move(unit);
  return {};
}

std::string avc(const track_format& x) {
  if (auto sps = sequence_set(x, 0x1f, 7); sps.size() >= 4)
    return text("avc1.%02x%02x%02x", at(sps, 1), at(sps, 2), at(sps, 3));
  if (x.codec_profile < 0 || x.codec_level < 0)
    return {};
  // libav* adds the constraint flags 1 and 3 to the number of the profile.
  unsigned constraints = 0;
  if ((x.codec_profile & FF_PROFILE_H264_CONSTRAINED) != 0)
    constraints |= 0x40;
  if ((x.codec_profile & FF_PROFILE_H264_INTRA) != 0)
    constraints |= 0x10;
  return text("avc1.%02x%02x%02x", static_cast<unsigned>(x.codec_profile) & 0xff, constraints,
              static_cast<unsigned>(x.codec_level) & 0xff);
}

uint32_t reversed(uint32_t x) {
  uint32_t result = 0;
  for (auto i = 0; i < 32; ++i)
    result |= (x >> i & 1) << (31 - i);
  return result;
}

/// From the 12 bytes of `profile_tier_level` (ITU-T H.265, 7.3.3), as they stand in parameter sets and in hvcC.
std::string hevc(bytes ptl) {
  constexpr std::array spaces{"", "A", "B", "C"};
  auto compatibility = at(ptl, 1) << 24 | at(ptl, 2) << 16 | at(ptl, 3) << 8 | at(ptl, 4);
  auto result = text("hvc1.%s%u.%x.%c%u", spaces.at(at(ptl, 0) >> 6), at(ptl, 0) & 0x1f, reversed(compatibility),
                     (at(ptl, 0) & 0x20) != 0 ? 'H' : 'L', at(ptl, 11));
  size_t end = 11;
  while (end > 5 && at(ptl, end - 1) == 0)
    --end;
  for (size_t i = 5; i < end; ++i)
    result += text(".%X", at(ptl, i));
  return result;
}

std::string hevc(const track_format& x) {
  constexpr size_t before = 3; // NAL header, number of layers
  if (auto sps = unescaped(sequence_set(x, 0x7e, 33 << 1), before + 12); sps.size() == before + 12)
    return hevc(bytes{sps}.subspan(before));
  if (x.codec_profile <= 0 || x.codec_profile > 31 || x.codec_level < 0)
    return {};
  // Every stream of the Main profile is one of Main 10, too.
  auto profile = static_cast<unsigned>(x.codec_profile);
  auto compatibility = profile == FF_PROFILE_HEVC_MAIN ? 0x6U : 1U << profile;
  return text("hvc1.%u.%x.L%d", profile, compatibility, x.codec_level);
}

std::optional<int> depth(const track_format& x) {
  const auto* known = av_pix_fmt_desc_get(av_get_pix_fmt(x.pixel_format.c_str()));
  return known != nullptr ? std::optional{known->comp[0].depth} : std::nullopt;
}

std::string av1(const track_format& x) {
  if (auto c = x.extradata.span(); c.size() >= 4 && at(c, 0) == 0x81) {
    auto high = (at(c, 2) & 0x40) != 0;
    auto twelve = (at(c, 2) & 0x20) != 0;
    return text("av01.%u.%02u%c.%02d", at(c, 1) >> 5, at(c, 1) & 0x1f, (at(c, 2) & 0x80) != 0 ? 'H' : 'M',
                !high    ? 8
                : twelve ? 12
                         : 10);
  }
  auto bits = depth(x);
  if (x.codec_profile < 0 || x.codec_level < 0 || !bits)
    return {};
  return text("av01.%d.%02dM.%02d", x.codec_profile, x.codec_level, *bits);
}

std::string vp9(const track_format& x) {
  // vpcC: version 1 and flags; profile; level; bits, chroma, range.
  if (auto c = x.extradata.span(); c.size() >= 8 && at(c, 0) == 1)
    return text("vp09.%02u.%02u.%02u", at(c, 4), at(c, 5), at(c, 6) >> 4);
  auto bits = depth(x);
  if (x.codec_profile < 0 || x.codec_level < 0 || !bits)
    return {};
  return text("vp09.%02d.%02d.%02d", x.codec_profile, x.codec_level, *bits);
}

/// ISO/IEC 14496-3: 1.6.2.1. If the configuration says AAC-LC, libav*'s profile may still be HE-AAC, which can be
/// signalled inside the packets alone.
std::string aac(const track_format& x) {
  constexpr unsigned low_complexity = 2;
  auto config = x.extradata.span();
  auto type = config.size() >= 2 ? at(config, 0) >> 3 : low_complexity;
  if (type == 31)
    type = 32 + ((at(config, 0) & 7) << 3 | at(config, 1) >> 5);
  // libav*'s profile is the audio object type minus one.
  if (type == low_complexity && x.codec_profile >= 0 && x.codec_profile < 128)
    type = static_cast<unsigned>(x.codec_profile) + 1;
  return text("mp4a.40.%u", type);
}

} // namespace

std::string codec_name(const track_format& x) {
  if (x.codec == "h264")
    return avc(x);
  if (x.codec == "hevc")
    return hevc(x);
  if (x.codec == "av1")
    return av1(x);
  if (x.codec == "vp9")
    return vp9(x);
  if (x.codec == "aac")
    return aac(x);
  // MPEG-1's sampling rates begin at 32 kHz; lower ones are MPEG-2's.
  if (x.codec == "mp3" || x.codec == "mp2")
    return x.sample_rate > 24'000 ? "mp4a.6B" : "mp4a.69";
  if (x.codec == "ac3")
    return "ac-3";
  if (x.codec == "eac3")
    return "ec-3";
  if (x.codec == "opus" || x.codec == "flac")
    return x.codec;
  return {};
}

} // namespace troupe
