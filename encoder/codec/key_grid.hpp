// Where a live encode places its random-access points: on a grid of the source's own time. So all renditions of a
// channel have them at the same pictures, whenever and wherever each encoder began.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>

namespace troupe::av {

class key_grid {
public:
  /// `interval` in ticks, above 0.
  explicit key_grid(int64_t interval) : interval_(interval) {
    assert(interval > 0);
  }

  /// True for the first picture at or after each multiple of the interval, and for the first picture of all. Times, in
  /// ticks, grow from call to call.
  bool begins_group(int64_t pts) {
    auto cell = pts / interval_ - (pts % interval_ < 0 ? 1 : 0);
    auto result = !cell_ || *cell_ != cell;
    cell_ = cell;
    return result;
  }

private:
  int64_t interval_;
  std::optional<int64_t> cell_; ///< of the latest picture
};

} // namespace troupe::av
