// Pauses between tries. Each is about twice as long as the one before, up to a limit, and is randomised by a seed. So
// when a whole cluster has lost its coordinator, its members come back spread over time, not all at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace troupe::core {

class back_off {
public:
  /// `first` is positive and at most `longest`. Parties that retry for the same reason need different seeds.
  back_off(std::chrono::milliseconds first, std::chrono::milliseconds longest, uint64_t seed);

  /// The pause before the next try. Its base is `first`, doubled with each call and never above `longest`; the result
  /// is between half of the base and all of it.
  std::chrono::milliseconds next();

  /// A try succeeded: the next pause starts from `first` again.
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
