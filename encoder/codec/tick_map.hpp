// Converts between ticks and the frame numbers of encoders.
//
// Encoders count frames: their rate control, headers and DTS want a time base of one frame. Sources do not keep to such
// a grid. So each frame gets the number nearest to its time on the frame-rate grid, but always above the last number.
// Each packet gets the exact time of its frame back.
#pragma once

#include "encoder/track.hpp"

extern "C" {
#include <libavutil/mathematics.h>
}

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <deque>

namespace troupe::av {

class tick_map {
public:
  /// `frame_rate` is positive.
  explicit tick_map(AVRational frame_rate) : frame_{frame_rate.den, frame_rate.num} {
    assert(frame_rate.num > 0 && frame_rate.den > 0);
  }

  /// The number for a frame at `ticks`, which must grow from call to call. The first number is 0.
  int64_t add(int64_t ticks) {
    if (entries_.empty()) {
      first_ = ticks;
      entries_.push_back({0, ticks});
    } else {
      entries_.push_back({std::max(entries_.back().number + 1, frames_since_first(ticks)), ticks});
    }
    // No encoder holds more frames than this.
    if (entries_.size() > entries_max)
      entries_.pop_front();
    return entries_.back().number;
  }

  /// The time of a frame's number. Numbers between or outside those of frames, which only an encoder's DTS have, map to
  /// the frame-rate grid.
  int64_t ticks_of(int64_t number) const {
    assert(!entries_.empty());
    auto at = std::upper_bound(entries_.begin(), entries_.end(), number,
                               [](int64_t n, const entry& x) { return n < x.number; });
    if (at != entries_.begin())
      --at;
    return at->ticks + av_rescale_q(number - at->number, frame_, time_base);
  }

private:
  struct entry {
    int64_t number;
    int64_t ticks;
  };

  static constexpr size_t entries_max = 1024;

  int64_t frames_since_first(int64_t ticks) const {
    return av_rescale_q(ticks - first_, time_base, frame_);
  }

  AVRational frame_;
  int64_t first_ = 0;
  std::deque<entry> entries_;
};

} // namespace troupe::av
