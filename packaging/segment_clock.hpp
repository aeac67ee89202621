// Where the segments of a rendition begin, and what their numbers are.
//
// One track leads: the video, or the first audio track if there is no video. The others follow it. If encoders place
// random-access points on the grid of source time, a segment's number is its cell of the grid. So all renditions, a
// restarted session and another coordinator give the same number to the same pictures. If the source places them, only
// the first number comes from the grid, and the others count on from it.
#pragma once

#include "messages/media.hpp"
#include "packaging/delivery.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace troupe {

class segment_clock {
public:
  explicit segment_clock(const delivery_times& times) : times_(times) {}

  /// The next sample of the leading track, in decoding order: the number of the segment that begins with it, if one
  /// does. The first segment begins with the first random-access point.
  std::optional<int64_t> lead(const sample& x);

  /// The next sample of another track, whose latest segment is `current`: the number of the segment that begins with
  /// it, if one does. Nothing begins before the leading track.
  std::optional<int64_t> follow(std::optional<int64_t> current, const sample& x) const;

private:
  struct beginning {
    int64_t number;
    int64_t pts;
  };

  /// How many of the leading track's latest segments are remembered: more than other tracks are ever behind.
  static constexpr size_t beginnings_max = 16;

  int64_t cell(int64_t pts) const noexcept;

  delivery_times times_;
  std::deque<beginning> beginnings_;
};

} // namespace troupe
