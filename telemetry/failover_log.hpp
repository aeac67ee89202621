// Counts the failures of live channels, and their repairs, over the coordinator's life.
//
// Snapshots of sessions show the same values, but only while a session lives; a Prometheus counter must not fall when
// the session ends. So sessions report to this log at once, and the page `/metrics` reads it. All functions are
// thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace troupe::telemetry {

/// Totals since the log was made.
struct failover_totals {
  /// Upper bounds of the gap histogram's buckets in seconds, chosen around the promised times: 0.5 s after a crash, 2 s
  /// after a hang.
  static constexpr std::array<double, 12> gap_bounds_s{0.04, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 5, 30};

  std::map<std::string, uint64_t, std::less<>> by_reason;
  std::array<uint64_t, gap_bounds_s.size() + 1>
    gaps{}; ///< counted at the first bound that is not exceeded; the last entry is for longer gaps
  double gap_sum_s = 0;
  uint64_t replayed_bytes = 0;
  uint64_t source_restarts = 0;
  uint64_t frames_lost = 0;
  uint64_t given_up = 0;

  bool operator==(const failover_totals&) const = default;
};

class failover_log {
public:
  /// Another attempt took over a rendition and delivers. `reason` is "lost", "stalled", "slow", "drain", "failed" or
  /// "source"; anything else counts as "other". `gap` is the wall time without output. `replayed_bytes`: source bytes
  /// that were sent again to that attempt.
  void failed_over(std::string_view reason, std::chrono::milliseconds gap, uint64_t replayed_bytes);

  /// A channel's source is pulled again.
  void source_restarted();

  /// Pictures of the source that no attempt could produce.
  void lost_frames(uint64_t count);

  /// A rendition or a channel is stopped because every attempt at it failed.
  void gave_up();

  failover_totals totals() const;

private:
  mutable std::mutex mutex_;
  failover_totals totals_;
};

} // namespace troupe::telemetry
