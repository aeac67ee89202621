#include "encoder/chunks/chunk_rate.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::av {

namespace {

/// How an encoder may follow what it is asked for, as a power; what is beyond is chance.
constexpr double power_min = 0.4;
constexpr double power_max = 2.5;

/// Of the rate that is wanted: what is asked for stays within these.
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
  // Asked for more, it made no more: there is nothing to be had.
  if (share_before_ > 0 && share_before_ < 1 && share < share_before_ * 1.02)
    return {};
  auto asked = static_cast<double>(asked_);
  auto next = asked / share;
  // Two tries tell by which power the encoder follows.
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
