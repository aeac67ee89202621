// Pauses between tries: each twice as long as the one before, up to a limit, and none of them the same for two who wait for
// the same thing. A whole cluster that lost its coordinator comes back spread over time, not all at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace troupe::core {

class back_off {
public:
  /// `first` is positive and at most `longest`. Who tries for the same thing needs a seed of its own.
  back_off(std::chrono::milliseconds first, std::chrono::milliseconds longest, uint64_t seed);

  /// The pause before the next try: between a half and the whole of `first` doubled with each call, never above `longest`.
  std::chrono::milliseconds next();

  /// A try went well: the next pause is a first one.
  void reset() noexcept {
    whole_ = first_;
  }

private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds longest_;
  std::chrono::milliseconds whole_;
  std::mt19937_64 random_;
};

} // namespace troupe::core
