// The matrix maps (x, y) to (a * x + c * y, b * x + d * y): libavutil/display.h.
#include "encoder/orientation.hpp"

extern "C" {
#include <libavutil/display.h>
}

#include <algorithm>
#include <array>
#include <cstdlib>

namespace troupe::av {

namespace {

/// An entry smaller than the largest one by this factor counts as zero.
constexpr int64_t negligible = 100;

} // namespace

orientation orientation_of(const AVStream& stream) {
  size_t size = 0;
  const auto* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (data == nullptr || size < 9 * sizeof(int32_t))
    return {};
  const auto* matrix = reinterpret_cast<const int32_t*>(data);
  int64_t a = matrix[0];
  int64_t b = matrix[1];
  int64_t c = matrix[3];
  int64_t d = matrix[4];
  auto straight = std::min(std::abs(a), std::abs(d));
  auto crossed = std::min(std::abs(b), std::abs(c));
  auto bits = [](bool swapped, int64_t across, int64_t down) {
    return orientation{static_cast<uint8_t>((swapped ? orientation::transposed : 0)
                                            | (across < 0 ? orientation::mirrored : 0)
                                            | (down < 0 ? orientation::flipped : 0))};
  };
  if (straight > negligible * std::max(std::abs(b), std::abs(c)))
    return bits(false, a, d);
  if (crossed > negligible * std::max(std::abs(a), std::abs(d)))
    return bits(true, c, b);
  return {};
}

std::string filters_for(orientation x) {
  constexpr std::array turns{"transpose=cclock_flip", "transpose=clock", "transpose=cclock", "transpose=clock_flip"};
  constexpr std::array mirrors{"", "hflip", "vflip", "hflip,vflip"};
  auto mirrored = static_cast<size_t>(x.bits >> 1 & 3);
  return x.swaps_sides() ? turns[mirrored] : mirrors[mirrored];
}

} // namespace troupe::av
