// Whether a conversion saves enough: predicted from its first chunks, and judged when its size is known.
//
// The first chunks are spread over the film. Bytes of the result are compared with the source's bytes of the same
// windows, so a film whose end is harder than its beginning deceives nobody. Streams that are copied count in full on
// both sides. A film that will not save enough is left alone early: that is the early abort.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace troupe::core {

/// The least share of its size that a conversion must save.
inline constexpr double usual_min_savings = 0.05;

/// True if a file of `after` bytes saves at least this share of one of `before` bytes.
bool saves_enough(uint64_t before, uint64_t after, double min_savings) noexcept;

/// The order in which chunks are encoded: first some that are spread evenly over the film (0-based, at most `spread`),
/// then the others from the beginning. Each number once.
std::vector<uint32_t> spread_order(uint32_t chunks, uint32_t spread);

/// Predicts the size of a result while its chunks arrive.
class savings_prediction {
public:
  struct source {
    uint64_t file_bytes = 0;  ///< of the whole file
    uint64_t video_bytes = 0; ///< of the video that is encoded
    uint64_t other_bytes = 0; ///< that the result will have besides that video, if known: copied and encoded streams
    uint32_t chunks = 0;
  };

  savings_prediction(const source& x, double min_savings) : source_{x}, min_savings_{min_savings} {}

  /// A chunk of the video is done. Both counts are of the same window of the film.
  void add(uint64_t source_bytes, uint64_t result_bytes) noexcept;

  /// The expected size of the result in bytes; nothing before the first chunk.
  std::optional<uint64_t> predicted() const noexcept;

  /// True if the film should be left alone: enough of it is done to know, less than half of it, and even a result that
  /// is smaller than predicted by the usual error would not save enough.
  bool should_abort() const noexcept;

private:
  source source_;
  double min_savings_;
  uint32_t chunks_ = 0;
  uint64_t seen_source_ = 0;
  uint64_t seen_result_ = 0;
  double sum_ratio_ = 0; ///< of result to source, of each chunk
  double sum_square_ = 0;
};

} // namespace troupe::core
