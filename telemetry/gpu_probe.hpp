// What the probes of all vendors say of one card.
#pragma once

#include "messages/gpu.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::telemetry {

/// One card at one moment.
struct gpu_measurement {
  gpu_description card;
  gpu_reading reading;
  /// The processes that hold the encode sessions that the reading counts, one entry a session; absent where the driver does not name them.
  std::optional<std::vector<int64_t>> session_pids;
  std::string fault; ///< why the card cannot be used, in its driver's words
};

/// For a heartbeat: `leases` names the lease that each process of this worker serves.
gpu_report report_of(const gpu_measurement& x, const std::map<int64_t, lease_id>& leases);

/// The same for all containers of a machine, another after each boot: the kernel's boot id. Empty where it cannot be read.
std::string machine_identity(const std::string& proc_root = "/proc");

/// PCI addresses as sysfs writes them, "0000:3b:00.0", from that and from NVML's "00000000:3B:00.0". Anything else as it came, in lower case.
std::string normal_pci(std::string_view address);

} // namespace troupe::telemetry
