// The even times of pictures, behind a container that rounds them.
//
// Matroska counts milliseconds, QuickTime often 1/600 s: a source of 24000/1001 pictures a second then has spaces of 41 and 42 ms. Whoever puts such
// times on another grid, each by itself, loses a picture here and doubles one there. Once it is known that all of them are a rounding of
// `first + n / rate`, the number n of a picture is exact, and so is everything that is worked out from it.
#pragma once

extern "C" {
#include <libavutil/rational.h>
}

#include <cstdint>
#include <optional>
#include <span>

namespace troupe::av {

struct frame_grid {
  AVRational rate{0, 1}; ///< pictures a second; 0 where they are not evenly spaced
  int64_t first = 0;     ///< ticks: the time of the first picture, whose number is 0

  bool is_even() const noexcept {
    return rate.num > 0 && rate.den > 0;
  }

  /// Of the place that is nearest to `ticks`. Only for an even grid, as all that follows.
  int64_t number_of(int64_t ticks) const noexcept;

  /// Of a place, rounded to a tick.
  int64_t ticks_of(int64_t number) const noexcept;

  /// The number of the place that a container's rounding may have moved to `ticks`; nothing where that is between places.
  std::optional<int64_t> find(int64_t ticks) const noexcept;

  /// The time without the container's rounding. One between places stays.
  int64_t snap(int64_t ticks) const noexcept;
};

/// The grid that all of `times` (ticks, ascending, none twice) lie on, places may be empty. `hint` is the rate that the container claims, or 0. Nothing
/// where there is none, or where there are too few times to tell.
std::optional<frame_grid> find_grid(std::span<const int64_t> times, AVRational hint);

} // namespace troupe::av
