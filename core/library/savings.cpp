#include "core/library/savings.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::core {

namespace {

/// From so many chunks on, their own differences tell how far the others may be off.
constexpr uint32_t chunks_min = 3;

/// Before that, a prediction counts as right within this share.
constexpr double first_error = 0.2;

/// This many standard errors of the mean cover 95 % of all cases, for a normal distribution. Student's t for the few
/// chunks that are known is larger, but chunks that are spread evenly vary less than random ones.
constexpr double errors = 2;

} // namespace

bool saves_enough(uint64_t before, uint64_t after, double min_savings) noexcept {
  return static_cast<double>(after) <= static_cast<double>(before) * (1 - min_savings);
}

std::vector<uint32_t> spread_order(uint32_t chunks, uint32_t spread) {
  std::vector<uint32_t> result;
  std::vector<bool> taken(chunks);
  auto first = std::min(chunks, spread);
  for (uint32_t i = 0; i < first; ++i) {
    // The middle of each of `first` equal parts of the film.
    auto at = static_cast<uint32_t>((uint64_t{2} * i + 1) * chunks / (uint64_t{2} * first));
    taken[at] = true;
    result.push_back(at);
  }
  for (uint32_t i = 0; i < chunks; ++i)
    if (!taken[i])
      result.push_back(i);
  return result;
}

void savings_prediction::add(uint64_t source_bytes, uint64_t result_bytes) noexcept {
  if (source_bytes == 0)
    return;
  ++chunks_;
  seen_source_ += source_bytes;
  seen_result_ += result_bytes;
  auto ratio = static_cast<double>(result_bytes) / static_cast<double>(source_bytes);
  sum_ratio_ += ratio;
  sum_square_ += ratio * ratio;
}

std::optional<uint64_t> savings_prediction::predicted() const noexcept {
  if (chunks_ == 0)
    return {};
  auto ratio = static_cast<double>(seen_result_) / static_cast<double>(seen_source_);
  return source_.other_bytes + static_cast<uint64_t>(std::llround(ratio * static_cast<double>(source_.video_bytes)));
}

bool savings_prediction::should_abort() const noexcept {
  auto needed = std::clamp((std::max(source_.chunks, 1u) - 1) / 2, 1u, chunks_min);
  if (chunks_ < needed || uint64_t{chunks_} * 2 >= source_.chunks)
    return false;
  auto n = static_cast<double>(chunks_);
  auto mean = sum_ratio_ / n;
  auto variance = std::max(sum_square_ / n - mean * mean, 0.0) * n / std::max(n - 1, 1.0);
  auto error = chunks_ < chunks_min ? first_error * mean : errors * std::sqrt(variance / n);
  auto reserve = error * static_cast<double>(source_.video_bytes);
  auto least = std::max(static_cast<double>(*predicted()) - reserve, static_cast<double>(source_.other_bytes));
  return !saves_enough(source_.file_bytes, static_cast<uint64_t>(least), min_savings_);
}

} // namespace troupe::core
