// Exact times for evenly spaced pictures, in containers that can store them: whole times, and one duration for all.
#pragma once

#include "encoder/frame_grid.hpp"

struct AVPacket;

namespace troupe::av {

/// A time base in which pictures of this rate have whole times, and which is fine enough for the first one's time:
/// ticks if they suffice. Nothing if it would need more units a second than players support.
std::optional<AVRational> exact_time_base(AVRational rate);

/// Converts a picture's times, in ticks and later than the grid by `shift`, to units of `base`, which is exact for the
/// grid's rate.
void write_exact_times(AVPacket& packet, const frame_grid& grid, int64_t shift, AVRational base);

} // namespace troupe::av
