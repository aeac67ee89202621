// The measurements of one GPU, in one form for all vendors' probes.
#pragma once

#include "messages/gpu.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::telemetry {

/// One GPU at one moment.
struct gpu_measurement {
  gpu_description card;
  gpu_reading reading;
  /// The processes behind the encode sessions in the reading, one entry a session; absent if the driver does not name
  /// them.
  std::optional<std::vector<int64_t>> session_pids;
  std::string fault; ///< why the GPU cannot be used, in its driver's words
};

/// For a heartbeat: `leases` gives the lease that each process of this worker serves.
gpu_report report_of(const gpu_measurement& x, const std::map<int64_t, lease_id>& leases);

/// The kernel's boot id: the same for all containers of a machine, and new after each boot. Empty if it cannot be read.
std::string machine_identity(const std::string& proc_root = "/proc");

/// A PCI address in the form of sysfs, "0000:3b:00.0", from that form or from NVML's "00000000:3B:00.0". Any other text
/// is returned in lower case.
std::string normal_pci(std::string_view address);

} // namespace troupe::telemetry
