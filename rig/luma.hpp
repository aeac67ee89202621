// The brightness of single pixels, in any format that a decoder gives.
#pragma once

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
}

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace troupe::bench {

/// Refers to the luma plane of a frame, which must outlive it.
class luma_plane {
public:
  /// Empty for formats without a luma plane in memory (RGB, palettes, hardware frames), and for formats that are not 8
  /// to 16 bits, little-endian.
  static std::optional<luma_plane> of(const AVFrame& frame) {
    auto* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
    if (format == nullptr
        || (format->flags
            & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM
               | AV_PIX_FMT_FLAG_BE))
             != 0)
      return std::nullopt;
    auto& luma = format->comp[0];
    if (luma.depth < 8 || luma.depth > 16 || frame.data[luma.plane] == nullptr)
      return std::nullopt;
    return luma_plane{frame.data[luma.plane] + luma.offset, frame.linesize[luma.plane], luma};
  }

  /// 0 to 1. Legal for pixels inside the frame.
  double at(int x, int y) const {
    auto* pixel = base_ + y * line_ + x * step_;
    if (wide_) {
      uint16_t value = 0;
      std::memcpy(&value, pixel, sizeof(value));
      return (value >> shift_) / scale_;
    }
    return *pixel / scale_;
  }

private:
  luma_plane(const uint8_t* base, int line, const AVComponentDescriptor& luma)
    : base_(base),
      line_(line),
      step_(luma.step),
      shift_(luma.shift),
      wide_(luma.depth > 8),
      scale_((1 << luma.depth) - 1) {}

  const uint8_t* base_;
  ptrdiff_t line_;
  ptrdiff_t step_;
  int shift_;
  bool wide_;
  double scale_;
};

} // namespace troupe::bench
