// The metrics of the coordinator itself: its HTTP server, its audit log, failovers and file jobs.
#pragma once

#include "telemetry/exposition.hpp"
#include "telemetry/metrics.hpp"

#include <vector>

namespace troupe::telemetry {

std::vector<metric_family> coordinator_families(const coordinator_counters& x);

} // namespace troupe::telemetry
