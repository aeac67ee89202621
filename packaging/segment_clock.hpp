// Where the segments of a rendition begin, and what their numbers are.
//
// One track leads: the video, or the first audio track if there is no video. Other tracks follow it. If encoders place
// random-access points on the grid of source time, a segment's number is its cell of the grid. So all renditions, a
// restarted session and another coordinator give the same number to the same pictures. If the source places these
// points, only the first segment's number comes from the grid, and each later number is one higher.
#pragma once

#include "messages/media.hpp"
#include "packaging/delivery.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace troupe {

/// Where the first segment begins: with the first random-access point, but not before a time.
struct segment_beginning {
  int64_t from_pts = no_timestamp; ///< ticks
  bool whole = false;              ///< only at the grid, not within a segment
};

class segment_clock {
public:
  explicit segment_clock(const delivery_times& times, const segment_beginning& at = {}) : times_(times), at_(at) {}

  /// The next sample of the leading track, in decoding order: the number of the segment that begins with it, if one
  /// does. Segments of sound begin with any sample.
  std::optional<int64_t> lead(const sample& x, track_kind kind = track_kind::video);

  /// The format has changed: a segment begins at the next random-access point, however short the one before is. On the
  /// grid, segments still begin only in a cell of their own.
  void interrupt() noexcept {
    interrupted_ = true;
  }

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
  bool may_begin(const sample& x);

  delivery_times times_;
  segment_beginning at_;
  std::optional<int64_t> met_; ///< cell of the first sample
  std::deque<beginning> beginnings_;
  bool interrupted_ = false;
};

} // namespace troupe
