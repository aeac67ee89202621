// What went wrong with live channels and was mended, counted over the coordinator's life.
//
// Snapshots of sessions state the same for as long as a session lives; a Prometheus counter must not fall when it ends. So sessions tell
// this log at the moment, and whoever serves the metrics reads it. Any thread may call anything.
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
  /// Upper bounds of the gap histogram's buckets in seconds, around what is promised: 0.5 s after a death, 2 s after a hang.
  static constexpr std::array<double, 12> gap_bounds_s{0.04, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 5, 30};

  std::map<std::string, uint64_t, std::less<>> by_reason;
  std::array<uint64_t, gap_bounds_s.size() + 1>
    gaps{}; ///< by the first bound that is not exceeded; the last beyond all
  double gap_sum_s = 0;
  uint64_t replayed_bytes = 0;
  uint64_t source_restarts = 0;
  uint64_t frames_lost = 0;
  uint64_t given_up = 0;

  bool operator==(const failover_totals&) const = default;
};

class failover_log {
public:
  /// Another attempt took a rendition over and delivers. `reason` is "lost", "stalled", "slow", "drain" or "failed", anything else counts as
  /// "other"; `gap` is the wall time without output; `replayed_bytes` of the source were sent again for it.
  void failed_over(std::string_view reason, std::chrono::milliseconds gap, uint64_t replayed_bytes);

  /// A channel's source is pulled anew.
  void source_restarted();

  /// Pictures of the source that no attempt could make.
  void lost_frames(uint64_t count);

  /// A rendition or a channel is stopped because no attempt at it goes well.
  void gave_up();

  failover_totals totals() const;

private:
  mutable std::mutex mutex_;
  failover_totals totals_;
};

} // namespace troupe::telemetry
