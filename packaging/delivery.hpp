// The constants of a channel's delivery by HLS and DASH. They never change while the channel runs, and are equal in all
// its renditions: players refuse a playlist whose constants move.
#pragma once

#include "messages/media.hpp"

#include <cstdint>

namespace troupe {

/// Times in ticks. RFC 8216bis, 4.4.3: the names in capitals are those of its tags.
struct delivery_times {
  int64_t segment = 2 * ticks_per_second;  ///< distance of the grid; a rendition's keyframe interval divides it
  int64_t part = 2 * ticks_per_second / 5; ///< a part ends as soon as it is this long
  int64_t window = 20 * ticks_per_second;  ///< of segments that playlists list
  bool on_grid = true; ///< encoders place random-access points on the grid; false for a source that is passed through

  /// TARGETDURATION: no segment is longer. It is twice `segment` if the source places the random-access points.
  int64_t target() const noexcept {
    auto longest = on_grid ? segment : 2 * segment;
    return (longest + ticks_per_second - 1) / ticks_per_second * ticks_per_second;
  }

  /// PART-TARGET: no part is longer. A tenth of room lets parts end at a whole picture after `part`.
  int64_t part_target() const noexcept {
    return part + part / 10;
  }

  /// PART-HOLD-BACK: how far behind the newest part a player stays.
  int64_t part_hold_back() const noexcept {
    return 3 * part_target();
  }

  /// HOLD-BACK: how far behind the newest segment a player without low latency stays.
  int64_t hold_back() const noexcept {
    return 3 * target();
  }

  /// CAN-SKIP-UNTIL: a playlist's update may leave out segments older than this.
  int64_t skip_until() const noexcept {
    return 6 * target();
  }

  /// A segment remains available for its own duration and that of the longest playlist after it was removed from the
  /// playlist (RFC 8216bis, 6.2.2).
  int64_t kept() const noexcept {
    return 2 * window + 2 * target();
  }

  bool operator==(const delivery_times&) const = default;
};

} // namespace troupe
