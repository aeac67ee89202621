// Libraries on virtual time: the real ledger and the real steps of replacing in many simulated lives, each from a seed;
// see library_world.hpp for the promises.
//
//   TROUPE_SEEDS=N  lives to try (seeds 1 to N)
//   TROUPE_SEED=n   that one life alone, with a trace of what happens
#include "test/sim/library_world.hpp"
#include "test/support/environment.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::sim;

BOOST_AUTO_TEST_SUITE(library_simulation_test)

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(NDEBUG)
constexpr uint32_t library_seeds = 50;
#else
constexpr uint32_t library_seeds = 1000;
#endif

/// What went wrong, or nothing; and how many conversions there were.
std::string live_library(uint64_t seed, bool trace, uint64_t& conversions) {
  library_world it{seed, trace};
  try {
    it.run();
  } catch (const violation& x) {
    return "seed " + std::to_string(seed) + ", step " + std::to_string(it.clock().steps()) + ": " + x.what()
           + "; replay with TROUPE_SEED=" + std::to_string(seed) + " test-sim --run_test=library_simulation_test";
  }
  conversions += it.conversions();
  return {};
}

} // namespace

BOOST_AUTO_TEST_CASE(no_life_of_a_library_breaks_a_promise) {
  uint64_t conversions = 0;
  if (auto seed = test::from_environment("TROUPE_SEED", 0); seed != 0) {
    BOOST_TEST(live_library(seed, true, conversions) == "");
    return;
  }
  auto seeds = test::from_environment("TROUPE_SEEDS", library_seeds);
  auto failures = 0;
  for (uint64_t seed = 1; seed <= seeds && failures < 20; ++seed) {
    auto wrong = live_library(seed, false, conversions);
    failures += wrong.empty() ? 0 : 1;
    BOOST_TEST(wrong == "");
  }
  BOOST_TEST(conversions > seeds); // the simulation does something
}

BOOST_AUTO_TEST_SUITE_END()
