// One snapshot a second of the machine, from /proc, statvfs(2) and uname(2).
//
// Percentages and rates are differences between two calls, so the probe remembers the last counters; the caller
// supplies the time. A call is cheap: some nine small reads, well under a millisecond. It can block only in statvfs(2),
// on a network file system whose server is gone.
#pragma once

#include "messages/daemon.hpp"
#include "telemetry/procfs.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace troupe::telemetry {

/// Not thread-safe: one owner.
class machine_probe {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Measures the file system that holds `work_folder`; `proc_root` is the folder of the kernel's files. Neither has to
  /// exist: values that cannot be read are 0.
  explicit machine_probe(std::string work_folder, std::string proc_root = "/proc");

  /// The state at `now`. CPU percentages and network rates cover the time since the last call. In the first call the
  /// rates are 0, and the CPU value is the average since boot. If two calls are too close, the last values are
  /// returned.
  machine_statistics measure(time_point now);

private:
  std::string read(const char* name) const;
  void measure_cpu(machine_statistics& result);
  void measure_memory(machine_statistics& result) const;
  void measure_disk(machine_statistics& result) const;
  void measure_network(machine_statistics& result, time_point now);

  std::string work_folder_;
  std::string proc_root_;
  procfs::cpu_table cpu_;
  double cpu_percent_ = 0;
  std::vector<double> cpu_per_core_;
  std::vector<procfs::interface_counters> network_;
  std::optional<time_point> network_at_;
  double send_rate_ = 0;
  double receive_rate_ = 0;
};

} // namespace troupe::telemetry
