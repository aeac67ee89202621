// How often each client may do something, over a window that slides with the time.
//
// A client has two counts, of the present window and of the one before. What counts is the present one, and of the one
// before the share that the sliding window still covers. So a client costs a few bytes, however many requests it sends.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

namespace troupe::core {

class sliding_limit {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using milliseconds = std::chrono::milliseconds;

  /// `most` times in `window`. At most `clients_max` clients are known; further ones share one count.
  sliding_limit(uint32_t most, milliseconds window, size_t clients_max = 100'000);

  struct state {
    bool allowed = true;
    uint32_t left = 0;     ///< how often more, now
    milliseconds again{0}; ///< after this time once more, if nothing is left
  };

  /// Counts one time, unless the limit is reached.
  state take(const std::string& client, time_point now);

  /// Counts nothing.
  state look(const std::string& client, time_point now) const;

  uint32_t most() const noexcept {
    return most_;
  }

  milliseconds window() const noexcept {
    return window_;
  }

private:
  struct counts {
    int64_t window = 0; ///< number of the present window
    uint32_t present = 0;
    uint32_t before = 0;
  };

  counts& counts_of(const std::string& client, int64_t window);
  state state_of(const counts& x, time_point now) const;
  static void slide(counts& x, int64_t window);

  uint32_t most_;
  milliseconds window_;
  size_t clients_max_;
  std::unordered_map<std::string, counts> clients_;
  int64_t swept_ = 0; ///< the window in which idle clients were last forgotten
};

} // namespace troupe::core
