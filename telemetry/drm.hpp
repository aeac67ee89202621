// Intel and AMD cards, from what the kernel's graphics drivers tell in sysfs and in the fdinfo of the processes that use them.
//
// Engines have no counters of their own there: each open card of each process says for how long its work kept each engine busy. So use is a difference between
// two calls, over the processes that this one may look at: its own user's, all of them for root. A process whose media engines worked between two calls
// holds a session; these drivers know no sessions of their own. The format is that of the kernel's Documentation/gpu/drm-usage-stats.rst.
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

/// What one open card of one process used so far. Times are nanoseconds of an engine at work, by engine.
struct drm_client {
  std::string pci;
  std::string driver;
  uint64_t id = 0; ///< of the client within its card; the same for each file that shares it
  std::map<std::string, uint64_t> engine_ns;
  std::map<std::string, uint64_t> engine_capacity; ///< how many engines of a kind there are; 1 where it is not told

  bool operator==(const drm_client&) const = default;
};

/// /proc/<pid>/fdinfo/<fd>. Without `pci` where the file is no card.
drm_client parse_fdinfo(std::string_view text);

/// The family of an Intel card by its PCI number, in words that the table of session limits knows: "Intel Arc (DG2)".
std::string intel_name(uint32_t device_number);

/// Not thread-safe: one owner. Looks through the files of all processes at each call, some milliseconds on a busy machine.
class drm_probe {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// The roots are where the kernel's files are; tests bring their own.
  explicit drm_probe(std::string sys_root = "/sys", std::string proc_root = "/proc");

  /// Every Intel and AMD card that can encode or decode (has a render node), at most 64. Use and sessions cover the time since the call before, and are
  /// absent in the first.
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
