// Corrects the average bit rate of a chunk, because rate control over a few seconds often misses its target.
//
// In one pass an encoder learns the cost of pictures while it spends bits. Over a film the errors even out. But each
// chunk starts without that knowledge, so all chunks would have the same error. A chunk that misses its target is
// therefore made again. The first retry corrects the requested rate by the ratio of the miss; later ones use the
// encoder's response in the tries so far. Pictures that need less than their target are left alone.
#pragma once

#include <cstdint>
#include <optional>

namespace troupe::av {

class chunk_rate {
public:
  /// A chunk is good if its rate is this near to the target.
  static constexpr double tolerance = 0.08;

  /// The most times that a chunk is made.
  static constexpr int tries_max = 4;

  /// Below this share of the target, the pictures do not need the requested rate.
  static constexpr double least_share = 0.5;

  /// Shorter chunks have no meaningful rate.
  static constexpr int64_t shortest_ticks = 90'000;

  /// `target` in bit/s; 0 if no rate was requested.
  explicit chunk_rate(int64_t target) noexcept : target_(target), asked_(target) {}

  /// The rate to request in the next try, after one that made `bytes` for `ticks` (of 1/90000 s). Nothing if that try
  /// is good enough, or cannot be improved.
  std::optional<int64_t> again(uint64_t bytes, int64_t ticks) noexcept;

private:
  int64_t target_;
  int64_t asked_;
  int tries_ = 0;
  double asked_before_ = 0; ///< in the try before the latest; 0 if there was none
  double share_before_ = 0; ///< share of the target that it reached
};

} // namespace troupe::av
