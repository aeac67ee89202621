// Measures processes through the kernel, for the tasks that a host runs.
#pragma once

#include "messages/daemon.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace troupe::telemetry {

/// Measures a set of processes repeatedly. Children of a process are not counted. Not thread-safe: one owner.
class process_probe {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `proc_root` is the folder of the kernel's files.
  explicit process_probe(std::string proc_root = "/proc");

  /// One result per pid, in the order of `pids`. `cpu_percent` covers the time since the last call, in the first call
  /// the process's whole life. A process that does not exist, or whose file is unreadable, has its pid and 0 elsewhere.
  /// If a new process has the same pid, its values start fresh. Processes that a call does not name are forgotten, so
  /// name all at once.
  std::vector<process_statistics> measure(std::span<const int64_t> pids, time_point now);

private:
  struct memory {
    uint64_t start_ticks = 0;
    uint64_t cpu_ticks = 0;
    time_point at;
    double cpu_percent = 0;
  };

  process_statistics measure_one(int64_t pid, time_point now, double uptime_s, std::map<int64_t, memory>& known) const;

  std::string proc_root_;
  double ticks_per_second_;
  uint64_t page_bytes_;
  std::map<int64_t, memory> known_;
};

} // namespace troupe::telemetry
