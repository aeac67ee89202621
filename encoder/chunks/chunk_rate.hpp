// The average rate of a chunk: what an encoder's rate control makes of a few seconds is not always what it was asked for.
//
// In one pass an encoder learns what a picture costs while it spends. Over a film that evens out; a chunk is short, and each one begins anew, so that the
// same error would be in all of them. A chunk that misses is therefore made again with another rate asked for, which is the ratio by which it missed, and
// after that what the tries so far say of how the encoder follows. Pictures that need less than they may have are left alone.
#pragma once

#include <cstdint>
#include <optional>

namespace troupe::av {

class chunk_rate {
public:
  /// A chunk whose rate is this near is good.
  static constexpr double tolerance = 0.08;

  /// So often a chunk is made, at most.
  static constexpr int tries_max = 4;

  /// Below this share of the rate, the encoder was asked for more than the pictures hold.
  static constexpr double least_share = 0.5;

  /// Shorter chunks have no rate to speak of.
  static constexpr int64_t shortest_ticks = 90'000;

  /// `target` in bit/s; 0 where no rate was asked for.
  explicit chunk_rate(int64_t target) noexcept : target_(target), asked_(target) {}

  /// What to ask for in another try after one that made `bytes` for `ticks` (of 1/90000 s); nothing where that is good enough, or as good as it gets.
  std::optional<int64_t> again(uint64_t bytes, int64_t ticks) noexcept;

private:
  int64_t target_;
  int64_t asked_;
  int tries_ = 0;
  double asked_before_ = 0; ///< in the try before the latest; 0: there was none
  double share_before_ = 0; ///< of the target that it reached
};

} // namespace troupe::av
