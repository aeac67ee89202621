// Recovers evenly spaced picture times that a container has rounded.
//
// Matroska counts milliseconds, QuickTime often 1/600 s: 24000/1001 pictures a second then have gaps of 41 and 42 ms.
// Rounding each of these times to another grid loses some pictures and doubles others. If all times are roundings of
// `first + n / rate`, the number n of each picture is exact, and so is everything computed from it.
#pragma once

extern "C" {
#include <libavutil/rational.h>
}

#include <cstdint>
#include <optional>
#include <span>

namespace troupe::av {

struct frame_grid {
  AVRational rate{0, 1}; ///< pictures a second; 0 if they are not evenly spaced
  int64_t first = 0;     ///< ticks: the time of picture number 0

  bool is_even() const noexcept {
    return rate.num > 0 && rate.den > 0;
  }

  /// The number of the grid place nearest to `ticks`. This and all functions below need an even grid.
  int64_t number_of(int64_t ticks) const noexcept;

  /// The time of grid place `number`, rounded to a tick.
  int64_t ticks_of(int64_t number) const noexcept;

  /// The number of the grid place that the container may have rounded to `ticks`; nothing if `ticks` is between places.
  std::optional<int64_t> find(int64_t ticks) const noexcept;

  /// The time without the container's rounding. A time between grid places stays unchanged.
  int64_t snap(int64_t ticks) const noexcept;
};

/// The grid that all `times` (ticks, ascending, no duplicates) lie on; places may be empty. `hint` is the container's
/// frame rate, or 0. Returns nothing if there is no such grid, or if there are too few times to tell.
std::optional<frame_grid> find_grid(std::span<const int64_t> times, AVRational hint);

} // namespace troupe::av
