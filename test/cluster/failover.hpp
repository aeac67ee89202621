// What the tests of failovers share: measurements as caf-bench makes them, short, on small pictures.
#pragma once

#include "bench/failover_measure.hpp"

#include <string>

namespace troupe::test {

/// A plan for small pictures, which differ from test to test in nothing but what the test is about.
bench::failover_plan small_plan(bench::fault kind, int runs);

/// Makes the measurement, says what came of it, and checks that all runs were made and nothing is left behind.
bench::trial_result measure(bench::failover_plan how);

/// Fails where a client lost or got twice a picture or a sample of sound, or was sent away.
void check_exact(const bench::trial_result& x);

} // namespace troupe::test
