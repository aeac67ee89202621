// One side follows from the other and the picture's shape.
#include "encoder/codec/picture_size.hpp"

extern "C" {
#include <libavutil/mathematics.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>

namespace troupe::av {

namespace {

int round_even(int64_t numerator, int64_t denominator) {
  return static_cast<int>(std::max<int64_t>(2, 2 * av_rescale(numerator, 1, 2 * denominator)));
}

} // namespace

void choose_size(video_format& format, const video_settings& settings) {
  auto sample = format.sample_aspect.num > 0 ? format.sample_aspect : AVRational{1, 1};
  auto wide = int64_t{format.width} * sample.num;
  auto high = int64_t{format.height} * sample.den;
  auto both = settings.width > 0 && settings.height > 0;
  // If both are set, the limit that is reached first decides.
  auto by_width = settings.height == 0 || (both && high * settings.width <= wide * settings.height);
  if (both && settings.fit == fit::stretch) {
    av_reduce(&format.sample_aspect.num, &format.sample_aspect.den, wide * settings.height, high * settings.width,
              1 << 20);
    format.width = settings.width;
    format.height = settings.height;
  } else if (both && settings.fit == fit::pad) {
    format.width = settings.width;
    format.height = settings.height;
    format.sample_aspect = {1, 1};
  } else if (settings.width > 0 && by_width) {
    format.width = settings.width;
    format.height = round_even(high * settings.width, wide);
    format.sample_aspect = {1, 1};
  } else if (settings.height > 0) {
    format.height = settings.height;
    format.width = round_even(wide * settings.height, high);
    format.sample_aspect = {1, 1};
  }
  // Chroma planes have whole samples.
  auto* description = av_pix_fmt_desc_get(format.pixel_format);
  format.width = std::max(1, format.width >> description->log2_chroma_w) << description->log2_chroma_w;
  format.height = std::max(1, format.height >> description->log2_chroma_h) << description->log2_chroma_h;
}

} // namespace troupe::av
