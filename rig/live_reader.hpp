// A client that only records when each picture arrived.
#pragma once

#include "rig/ts_scanner.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace troupe::bench {

/// Reads a transport stream from a descriptor, on its own thread, until the stream ends or the object is destroyed.
class live_reader {
public:
  /// Takes ownership of the descriptor. `with_head` is set if the head of an HTTP answer comes first.
  live_reader(int descriptor, bool with_head);
  live_reader(const live_reader&) = delete;
  live_reader& operator=(const live_reader&) = delete;
  ~live_reader();

  /// Waits for the first byte of the stream. Nothing if it does not come within `limit`.
  std::optional<std::chrono::steady_clock::time_point> wait_for_first_byte(std::chrono::milliseconds limit) const;

  /// By PTS: when the last byte of each picture arrived.
  std::map<int64_t, std::chrono::steady_clock::time_point> pictures() const;

  /// True if the stream has ended, or never began.
  bool ended() const noexcept {
    return ended_;
  }

  /// Of the HTTP answer; 0 until it has arrived.
  int status() const noexcept {
    return status_;
  }

private:
  void run(bool with_head);

  int descriptor_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> ended_{false};
  std::atomic<int> status_{0};
  mutable std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> first_byte_;   ///< guarded by mutex_
  std::map<int64_t, std::chrono::steady_clock::time_point> pictures_; ///< guarded by mutex_
  std::thread thread_;
};

} // namespace troupe::bench
