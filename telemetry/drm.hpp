// Measures Intel and AMD GPUs through sysfs and the fdinfo of the processes that use them.
//
// These drivers have no counters per engine. Instead, each open GPU file of each process tells how long its work kept
// each engine busy. So use is the difference between two calls, over the processes that this one may read: its own
// user's, or all of them for root. A process whose media engines worked between two calls counts as one session,
// because these drivers do not report sessions. The format is described in the kernel's
// Documentation/gpu/drm-usage-stats.rst.
#pragma once

#include "telemetry/gpu_probe.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::telemetry {

/// The use so far of one open GPU file of one process. Times are nanoseconds of an engine at work, by engine.
struct drm_client {
  std::string pci;
  std::string driver;
  uint64_t id = 0; ///< of the client within its GPU; equal for all files that share it
  std::map<std::string, uint64_t> engine_ns;
  std::map<std::string, uint64_t> engine_capacity; ///< number of engines of each kind; 1 if unknown

  bool operator==(const drm_client&) const = default;
};

/// Parses /proc/<pid>/fdinfo/<fd>. Without `pci` if the file is not a GPU.
drm_client parse_fdinfo(std::string_view text);

/// The family of an Intel GPU by its PCI number, as named in the table of session limits: "Intel Arc (DG2)".
std::string intel_name(uint32_t device_number);

/// Not thread-safe: one owner. Each call reads the files of all processes, which takes some milliseconds on a busy
/// machine.
class drm_probe {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// The roots are the folders of the kernel's files; tests use their own.
  explicit drm_probe(std::string sys_root = "/sys", std::string proc_root = "/proc");

  /// Every Intel and AMD GPU that can encode or decode (has a render node), at most 64. Use and sessions cover the time
  /// since the last call, and are absent in the first.
  std::vector<gpu_measurement> measure(time_point now);

private:
  struct client_key {
    std::string pci;
    uint64_t id = 0;

    auto operator<=>(const client_key&) const = default;
  };

  struct client {
    drm_client used;
    int64_t pid = 0;
  };

  using clients = std::map<client_key, client>;

  gpu_measurement describe(const std::string& card) const;
  void read_sensors(const std::string& device, gpu_reading& reading) const;
  clients look_at_processes() const;
  void add_use(gpu_measurement& x, const clients& current, double seconds) const;

  std::string sys_root_;
  std::string proc_root_;
  std::string machine_;
  clients last_;
  std::optional<time_point> last_at_;
};

} // namespace troupe::telemetry
