// What the tests of failovers share: measurements as caf-bench makes them, short, on small pictures; and parts of them
// for tests that deal out faults of their own.
#pragma once

#include "rig/failover_measure.hpp"
#include "rig/live_source.hpp"
#include "test/support/cluster.hpp"

#include <string>
#include <vector>

namespace troupe::test {

/// A plan for small pictures, which differ from test to test in nothing but what the test is about.
bench::failover_plan small_plan(bench::fault kind, int runs);

/// Makes the measurement, says what came of it, and checks that all runs were made and nothing is left behind.
bench::trial_result measure(bench::failover_plan how);

/// Fails where a client lost or got twice a picture or a sample of sound, or was sent away.
void check_exact(const bench::trial_result& x);

/// Pictures from one random-access point of `live_file` to the next; one second.
inline constexpr int64_t live_gop = 25;

/// A transport stream of 40 seconds for a `bench::live_source`: small pictures that carry their number, sound that
/// carries its position.
std::string live_file();

/// The rendition that the cluster's profile "small" makes of it.
inline constexpr bench::rendition_rate live_rate{25, 1};

/// Ends a worker and all of its tasks at once, as a machine ends that loses its power.
void kill_with_tasks(cluster& c, const std::string& worker);

/// The value of a metric without labels; -1 where the page does not have it.
double metric(const cluster& c, const std::string& name);

} // namespace troupe::test
