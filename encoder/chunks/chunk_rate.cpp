#include "encoder/chunks/chunk_rate.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::av {

namespace {

/// The encoded rate is about a power of the requested rate. A measured exponent outside this range counts as noise.
constexpr double power_min = 0.4;
constexpr double power_max = 2.5;

/// The requested rate stays within these shares of the target.
constexpr double lowest_share = 0.1;
constexpr double highest_share = 3;

} // namespace

std::optional<int64_t> chunk_rate::again(uint64_t bytes, int64_t ticks) noexcept {
  if (target_ <= 0 || ticks < shortest_ticks || ++tries_ >= tries_max)
    return {};
  auto made = static_cast<double>(bytes) * 8 * 90'000 / static_cast<double>(ticks);
  auto share = made / static_cast<double>(target_);
  if (std::abs(share - 1) <= tolerance || share < least_share)
    return {};
  // A higher request did not raise the rate: the pictures need no more.
  if (share_before_ > 0 && share_before_ < 1 && share < share_before_ * 1.02)
    return {};
  auto asked = static_cast<double>(asked_);
  auto next = asked / share;
  // Two tries show the exponent with which the encoder's rate follows the requested rate.
  if (share_before_ > 0 && asked != asked_before_) {
    auto power = std::log(share / share_before_) / std::log(asked / asked_before_);
    next = asked * std::pow(1 / share, 1 / std::clamp(power, power_min, power_max));
  }
  asked_before_ = asked;
  share_before_ = share;
  asked_ = static_cast<int64_t>(
    std::clamp(next, static_cast<double>(target_) * lowest_share, static_cast<double>(target_) * highest_share));
  return asked_;
}

} // namespace troupe::av
