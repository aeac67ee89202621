// A client that stays for a whole measurement: decodes everything that it gets, asks again where it was sent away, and can be asked meanwhile
// how far it is.
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

  /// The greatest number of a picture so far; -1 before the first.
  int64_t newest() const;

  /// Whether pictures came regularly in the last `period`: not fewer than nine tenths of what `rate`, in pictures a second, says.
  bool steady(std::chrono::milliseconds period, double rate) const;

  /// Ends the viewing, and returns what was seen, a part for each time that the stream began.
  std::vector<observations> finish();

private:
  void run();
  void note(const frame_seen& picture);

  std::string url_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  int64_t newest_ = -1;                       ///< guarded by mutex_
  std::deque<wall_clock::time_point> lately_; ///< guarded by mutex_: when the latest pictures were decoded
  std::vector<observations> parts_;           ///< of the thread, until it has ended
  std::thread thread_;
};

} // namespace troupe::bench
