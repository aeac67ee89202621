// Pictures are counted; only the time of the first one is rounded.
#include "encoder/window/exact_times.hpp"

#include "encoder/track.hpp"

extern "C" {
#include <libavutil/mathematics.h>
}

#include <algorithm>
#include <cassert>

namespace troupe::av {

std::optional<AVRational> exact_time_base(AVRational rate) {
  assert(rate.num > 0 && rate.den > 0);
  constexpr int64_t units_min = 10'000;
  constexpr int64_t units_max = 1'000'000;
  if (int64_t{time_base.den} * rate.den % rate.num == 0)
    return time_base;
  int64_t units = rate.num;
  while (units < units_min)
    units *= 2;
  return units <= units_max ? std::optional{AVRational{1, static_cast<int>(units)}} : std::nullopt;
}

void write_exact_times(AVPacket& packet, const frame_grid& grid, int64_t shift, AVRational base) {
  auto first = av_rescale_q(grid.first + shift, time_base, base);
  auto exact = [&](int64_t number) { return first + av_rescale_q(number, av_inv_q(grid.rate), base); };
  auto number = grid.number_of(packet.pts - shift);
  // Containers that store the end of a stream may cut the last picture short.
  auto next = std::max(grid.number_of(packet.pts + packet.duration - shift), number + 1);
  packet.dts = exact(grid.number_of(packet.dts - shift));
  packet.pts = exact(number);
  packet.duration = exact(next) - packet.pts;
}

} // namespace troupe::av
