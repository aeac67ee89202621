// The common part of the failover tests: short measurements on small pictures, made as by caf-bench, and parts of them
// for tests that inject their own faults.
#pragma once

#include "rig/failover_measure.hpp"
#include "rig/live_source.hpp"
#include "test/support/cluster.hpp"

#include <string>
#include <vector>

namespace troupe::test {

/// A plan with small pictures, the same for all tests except for the kind of fault and the number of runs.
bench::failover_plan small_plan(bench::fault kind, int runs);

/// Makes the measurement, prints its results, and checks that all runs were made and nothing is left behind.
bench::trial_result measure(bench::failover_plan how);

/// Fails if a client lost a picture or a sample of sound, got one twice, or was disconnected.
void check_exact(const bench::trial_result& x);

/// Pictures from one random-access point of `live_file` to the next; one second.
inline constexpr int64_t live_gop = 25;

/// A transport stream of 40 seconds for a `bench::live_source`: small pictures that carry their number, sound that
/// carries its position.
std::string live_file();

/// The rendition that the cluster's profile "small" makes from that stream.
inline constexpr bench::rendition_rate live_rate{25, 1};

/// Ends a worker and all its tasks at once, like a power failure of its machine.
void kill_with_tasks(cluster& c, const std::string& worker);

/// The value of a metric without labels; -1 if the page lacks it.
double metric(const cluster& c, const std::string& name);

} // namespace troupe::test
