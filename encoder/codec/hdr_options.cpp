// Uses the options of the encoder's family, if it has them.
#include "encoder/codec/hdr_options.hpp"

#include <cmath>
#include <cstdio>

namespace troupe::av {

namespace {

/// x264 and x265 count chromaticity in 1/50000 and light in 1/10000 cd/m2; SVT-AV1 takes decimals. The order is green,
/// blue, red, white, light.
std::string to_text(const AVMasteringDisplayMetadata& x, bool decimals) {
  auto pair = [decimals](const char* name, AVRational a, AVRational b, int unit) {
    char text[64];
    if (decimals)
      std::snprintf(text, sizeof text, "%s(%.5f,%.5f)", name, av_q2d(a), av_q2d(b));
    else
      std::snprintf(text, sizeof text, "%s(%ld,%ld)", name, std::lround(av_q2d(a) * unit),
                    std::lround(av_q2d(b) * unit));
    return std::string{text};
  };
  constexpr auto chroma = 50'000;
  return pair("G", x.display_primaries[1][0], x.display_primaries[1][1], chroma)
         + pair("B", x.display_primaries[2][0], x.display_primaries[2][1], chroma)
         + pair("R", x.display_primaries[0][0], x.display_primaries[0][1], chroma)
         + pair("WP", x.white_point[0], x.white_point[1], chroma) + pair("L", x.max_luminance, x.min_luminance, 10'000);
}

} // namespace

expected<void> set_hdr(AVCodecContext& context, const video_format& format) {
  auto& family = family_of(context.codec->name);
  auto& mastering = format.mastering;
  if (mastering && mastering->has_primaries != 0 && mastering->has_luminance != 0 && !family.mastering.empty()) {
    auto decimals = family.mastering.starts_with("svtav1");
    if (auto set = set_option(context, family.mastering, to_text(*mastering, decimals)); !set)
      return set;
  }
  if (!format.light || family.light.empty())
    return {};
  return set_option(context, family.light,
                    std::to_string(format.light->MaxCLL) + "," + std::to_string(format.light->MaxFALL));
}

} // namespace troupe::av
