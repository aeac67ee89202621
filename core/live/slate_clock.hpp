// Tells when a live source counts as away, and how far its timeline goes on meanwhile.
//
// A source's silence has a usual length: none for a broadcast, a segment for a playlist. While the source is connected,
// twice its longest silence so far is still usual, and media that came in a burst lasts until it is due. Once it is
// away, its time advances with the wall clock from its last sample on.
#pragma once

#include "core/live/config.hpp"

#include <algorithm>
#include <optional>

namespace troupe::core {

class slate_clock {
public:
  /// `after`: the shortest silence that counts.
  explicit slate_clock(milliseconds after) : after_(after) {
    // nop
  }

  /// Samples came; the source's newest media ends at `end` (ticks).
  void heard(int64_t end, time_point now) {
    if (!first_)
      first_ = place{end, now};
    else if (!away_)
      longest_ = std::clamp<clock_duration>(now - last_.at, longest_, after_ * usual_max / 2);
    last_ = {end, now};
    away_ = false;
  }

  /// Another pull begins, and its rhythm is unknown.
  void restart() {
    first_.reset();
    longest_ = {};
  }

  /// True if the source is away. `connected`: it is being read.
  bool is_away(bool connected, time_point now) const {
    if (!connected || !first_)
      return now - last_.at >= after_;
    auto lead = std::min<clock_duration>(
      std::chrono::milliseconds{(last_.end - first_->end) / 90} - (last_.at - first_->at), lead_max);
    auto usual = std::max<clock_duration>(after_, 2 * longest_);
    return now - last_.at >= usual + std::max<clock_duration>(lead, {});
  }

  /// From now on the time advances by the wall clock, until samples come.
  void leave() {
    away_ = true;
  }

  /// Where the timeline of a source that is away is now (ticks).
  int64_t time(time_point now) const {
    return last_.end + ticks_of(std::chrono::duration_cast<milliseconds>(now - last_.at));
  }

private:
  using clock_duration = time_point::duration;

  struct place {
    int64_t end = 0;
    time_point at;
  };

  /// A silence of up to this many times `after` may be usual: segments of ten seconds, with the default.
  static constexpr int usual_max = 10;
  /// Media that a source sends ahead of time: see `burst_max` of the ingest.
  static constexpr clock_duration lead_max = std::chrono::seconds{10};

  milliseconds after_;
  std::optional<place> first_; ///< of this pull
  place last_;
  clock_duration longest_{};
  bool away_ = false;
};

} // namespace troupe::core
