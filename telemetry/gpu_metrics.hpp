// Metric series of GPUs, one for each pair of GPU and worker that sees it.
#pragma once

#include "messages/status.hpp"
#include "telemetry/exposition.hpp"

#include <vector>

namespace troupe::telemetry {

std::vector<metric_family> gpu_families(const std::vector<daemon_status>& daemons);

} // namespace troupe::telemetry
