// What a job's tasks may use of the machine that they run on. The limits reach each process with its work label.
#pragma once

#include "messages/inspect.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe {

/// 0 and -1 stand for "unchanged". Each process that works for the job has these limits for itself; only
/// `disk_bytes` and `time` count for the job as a whole.
struct work_limits {
  static constexpr int32_t io_idle = 8;
  static constexpr uint32_t cpu_min_millis = 10; ///< the kernel takes no smaller share
  static constexpr uint32_t cpu_max_millis = 1'024'000;
  static constexpr uint64_t memory_min_bytes = 16 * 1024 * 1024;

  uint32_t cpu_millis = 0;           ///< thousandths of a core
  uint64_t memory_bytes = 0;         ///< resident, excluding the memory in use before the work began
  uint64_t disk_bytes = 0;           ///< chunks and result together; no single file may be larger either
  std::chrono::milliseconds time{0}; ///< wall time since the job began; starts again with a retry
  int32_t nice = 0;                  ///< 0 to 19
  /// 0 (first) to 7: best effort; `io_idle`: only if no other process needs the disk
  int32_t io_priority = -1;

  bool any() const noexcept {
    return *this != work_limits{};
  }

  bool operator==(const work_limits&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, work_limits& x) {
  auto done = f.object(x).fields(f.field("cpu_millis", x.cpu_millis), f.field("memory_bytes", x.memory_bytes),
                                 f.field("disk_bytes", x.disk_bytes), f.field("time", x.time), f.field("nice", x.nice),
                                 f.field("io_priority", x.io_priority));
  return done
         && (!Inspector::is_loading
             || (x.cpu_millis <= work_limits::cpu_max_millis && x.time >= x.time.zero()
                 && x.time <= std::chrono::hours{24 * 365} && x.nice >= 0 && x.nice <= 19 && x.io_priority >= -1
                 && x.io_priority <= work_limits::io_idle));
}

} // namespace troupe
