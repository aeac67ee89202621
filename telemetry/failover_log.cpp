#include "telemetry/failover_log.hpp"

#include <algorithm>

namespace troupe::telemetry {

namespace {

/// Each reason has a series from the start, so that its first count is an increase.
constexpr std::string_view reasons[] = {"lost", "stalled", "slow", "drain", "failed", "source"};

} // namespace

void failover_log::failed_over(std::string_view reason, std::chrono::milliseconds gap, uint64_t replayed_bytes) {
  auto known = std::ranges::find(reasons, reason) != std::end(reasons);
  auto gap_s = std::chrono::duration<double>(std::max(gap, std::chrono::milliseconds{0})).count();
  auto bucket = std::ranges::lower_bound(failover_totals::gap_bounds_s, gap_s);
  std::lock_guard guard{mutex_};
  ++totals_.by_reason[std::string{known ? reason : "other"}];
  ++totals_.gaps[static_cast<size_t>(bucket - failover_totals::gap_bounds_s.begin())];
  totals_.gap_sum_s += gap_s;
  totals_.replayed_bytes += replayed_bytes;
}

void failover_log::source_restarted() {
  std::lock_guard guard{mutex_};
  ++totals_.source_restarts;
}

void failover_log::lost_frames(uint64_t count) {
  std::lock_guard guard{mutex_};
  totals_.frames_lost += count;
}

void failover_log::gave_up() {
  std::lock_guard guard{mutex_};
  ++totals_.given_up;
}

failover_totals failover_log::totals() const {
  std::unique_lock guard{mutex_};
  auto result = totals_;
  guard.unlock();
  for (auto reason : reasons)
    result.by_reason.try_emplace(std::string{reason});
  return result;
}

} // namespace troupe::telemetry
