// Goal: whatever ends a rendition's transcoder, its viewers lose nothing, get nothing twice and stay connected.
// Method: caf-bench's failover measurement, with five faults of each kind in sequence on one cluster of real processes.
// Two clients decode the whole stream: pictures carry their number, sound its position. The tests assert that no
// loss is counted; only caf-bench judges the length of gaps. The seed of the faults' moments is printed;
// TROUPE_TEST_SEED sets it.
#include "test/cluster/failover.hpp"
#include "test/support/build_kind.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <random>

using namespace troupe::test;
namespace bench = troupe::bench;

BOOST_AUTO_TEST_SUITE(failover_test)

namespace {

// With a sanitizer, few runs are enough to execute the code; many runs are made without one.
constexpr int runs = instrumented ? 2 : 5;

uint64_t seed() {
  auto given = std::getenv("TROUPE_TEST_SEED");
  auto result = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  BOOST_TEST_MESSAGE("TROUPE_TEST_SEED=" << result);
  return result;
}

bench::trial_result run(bench::fault kind) {
  auto how = small_plan(kind, runs);
  how.seed = seed();
  auto result = measure(how);
  check_exact(result);
  BOOST_TEST(result.failovers >= static_cast<uint64_t>(runs));
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_tasks_are_killed) {
  run(bench::fault::kill);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_tasks_stop) {
  run(bench::fault::stop);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_workers_are_killed) {
  run(bench::fault::worker);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_networks_are_cut) {
  if (auto why = bench::failover_obstacle(bench::fault::partition); !why.empty()) {
    BOOST_TEST_MESSAGE("skipped: " << why);
    return;
  }
  run(bench::fault::partition);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_tasks_are_left_because_they_are_slow) {
  run(bench::fault::slow);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_workers_drain) {
  auto result = run(bench::fault::drain);
  BOOST_TEST(result.failovers_by_reason["drain"] >= static_cast<uint64_t>(runs));
}

BOOST_AUTO_TEST_SUITE_END()
