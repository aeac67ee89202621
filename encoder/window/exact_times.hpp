// Evenly spaced pictures in a container that can say so: each has a whole time, and all have one duration.
#pragma once

#include "encoder/frame_grid.hpp"

struct AVPacket;

namespace troupe::av {

/// A time base in which the pictures of this rate have whole times, and fine enough for where the first one is: ticks if they do there. Nothing where
/// that takes more units in a second than players count with.
std::optional<AVRational> exact_time_base(AVRational rate);

/// Puts a picture's times, in ticks and later by `shift` than the grid, into units of `base`, which is exact for the grid's rate.
void write_exact_times(AVPacket& packet, const frame_grid& grid, int64_t shift, AVRational base);

} // namespace troupe::av
