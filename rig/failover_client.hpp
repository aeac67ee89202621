// A client that watches for a whole measurement. It decodes everything, reconnects when it is disconnected, and tells
// its position at any time.
#pragma once

#include "rig/viewing.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace troupe::bench {

class failover_client {
public:
  explicit failover_client(std::string url);
  failover_client(const failover_client&) = delete;
  failover_client& operator=(const failover_client&) = delete;
  ~failover_client();

  /// The highest picture number so far; -1 before the first.
  int64_t newest() const;

  /// True if pictures came regularly in the last `period`: at least nine tenths of `rate`, in pictures a second.
  bool steady(std::chrono::milliseconds period, double rate) const;

  /// Ends the viewing, and returns the observations: one part for each start of the stream.
  std::vector<observations> finish();

private:
  void run();
  void note(const frame_seen& picture);

  std::string url_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  int64_t newest_ = -1;                       ///< guarded by mutex_
  std::deque<wall_clock::time_point> lately_; ///< guarded by mutex_: when the latest pictures were decoded
  std::vector<observations> parts_;           ///< used by the thread until it has ended
  std::thread thread_;
};

} // namespace troupe::bench
