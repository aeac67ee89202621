// The constants of a channel's delivery by HLS and DASH. They never change while the channel runs, and are equal in all
// its renditions: players refuse a playlist whose constants move.
#pragma once

#include "core/live/delivery_options.hpp"
#include "messages/media.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace troupe {

/// Times in ticks. RFC 8216bis, 4.4.3: the names in capitals are those of its tags.
struct delivery_times {
  int64_t segment = 2 * ticks_per_second;  ///< distance of the grid points: a multiple of each keyframe interval
  int64_t part = 2 * ticks_per_second / 5; ///< a part ends as soon as it is this long
  int64_t window = 20 * ticks_per_second;  ///< length of the segments that a playlist lists
  bool on_grid = true; ///< encoders place random-access points on the grid; false for a source that is passed through

  /// The times of a rendition whose encoder places a random-access point in each `keyframe_interval`; 0 if the source
  /// places them. A segment is as long as the option says, or the next multiple of the interval. The window grows with
  /// it.
  static delivery_times of(const core::delivery_options& x, std::chrono::milliseconds keyframe_interval) {
    auto ticks = [](std::chrono::milliseconds span) { return span.count() * ticks_per_second / 1000; };
    auto interval = ticks(keyframe_interval);
    delivery_times result{ticks(x.segment), ticks(x.part), ticks(x.window), interval > 0};
    if (result.on_grid)
      result.segment = (result.segment + interval - 1) / interval * interval;
    result.window = std::max({result.window, x.segments_min * result.segment, 3 * result.target()});
    return result;
  }

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

  /// DASH: how far behind the source a player with low latency wants to be.
  int64_t latency() const noexcept {
    return 5 * part;
  }

  /// CAN-SKIP-UNTIL: a playlist's update may leave out segments older than this.
  int64_t skip_until() const noexcept {
    return 6 * target();
  }

  /// How far segments are kept behind the newest one: a segment that was removed from the playlist remains available
  /// for its own duration and that of the longest playlist (RFC 8216bis, 6.2.2).
  int64_t kept() const noexcept {
    return 2 * window + 2 * target();
  }

  /// A viewer that asked for nothing for this long has left. Players ask at least once in a segment, and people pause
  /// them. A request waits for three target durations at most.
  std::chrono::milliseconds absence() const noexcept {
    using std::chrono::milliseconds;
    return std::max(milliseconds{10'000}, milliseconds{4 * target() * 1000 / ticks_per_second});
  }

  bool operator==(const delivery_times&) const = default;
};

} // namespace troupe
