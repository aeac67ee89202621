// The whole control plane on virtual time: the real worker table, lease table and sessions, with simulated machines,
// networks, encoders and sources. It runs thousands of lives, each from a seed. After every event the promises are
// checked; see referee.hpp and control.hpp.
//
//   TROUPE_SEEDS=N  lives to try (seeds 1 to N)
//   TROUPE_SEED=n   that one life alone, with a trace of what happens
#include "test/sim/cluster.hpp"
#include "test/support/build_kind.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <optional>

using namespace troupe;
using namespace troupe::sim;

BOOST_AUTO_TEST_SUITE(simulation_test)

namespace {

constexpr uint64_t seeds_by_default = troupe::test::slow ? 150 : 2000;

/// The test stops after this many failures.
constexpr size_t failures_max = 20;

std::optional<uint64_t> number_from(const char* variable) {
  auto text = std::getenv(variable);
  if (text == nullptr || *text == '\0')
    return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

/// What went wrong, or nothing.
std::optional<std::string> live(uint64_t seed, bool trace, summary* out = nullptr) {
  BOOST_TEST_CHECKPOINT("seed " << seed);
  cluster it{seed, trace};
  std::optional<std::string> wrong;
  try {
    it.run();
  } catch (const violation& x) {
    wrong = "seed " + std::to_string(seed) + ", step " + std::to_string(it.clock().steps()) + ", second "
            + std::to_string(std::chrono::duration<double>(it.clock().now().time_since_epoch()).count() - 1000) + ": "
            + x.what() + "; replay with TROUPE_SEED=" + std::to_string(seed) + " test-sim";
  }
  if (out != nullptr)
    *out = it.result();
  return wrong;
}

} // namespace

BOOST_AUTO_TEST_CASE(no_seed_breaks_a_promise) {
  if (auto one = number_from("TROUPE_SEED")) {
    auto wrong = live(*one, std::getenv("TROUPE_QUIET") == nullptr);
    BOOST_TEST(!wrong, wrong.value_or(""));
    return;
  }
  auto seeds = number_from("TROUPE_SEEDS").value_or(seeds_by_default);
  summary total;
  size_t failures = 0;
  uint64_t lives = 0;
  for (uint64_t seed = 1; seed <= seeds && failures < failures_max; ++seed) {
    summary s;
    ++lives;
    if (auto wrong = live(seed, false, &s)) {
      BOOST_TEST_ERROR(*wrong);
      ++failures;
    }
    total.steps += s.steps;
    total.frames += s.frames;
    for (auto& [what, n] : s.counts)
      total.counts[what] += n;
  }
  std::string text;
  for (auto& [what, n] : total.counts)
    text += ", " + what + " " + std::to_string(n);
  BOOST_TEST_MESSAGE(lives << " lives, " << total.steps << " steps, " << total.frames << " frames" << text);
}

BOOST_AUTO_TEST_CASE(a_seed_is_the_same_life_each_time) {
  for (uint64_t seed : {1, 2, 3}) {
    summary first;
    summary second;
    auto a = live(seed, false, &first);
    auto b = live(seed, false, &second);
    BOOST_TEST(a.value_or("") == b.value_or(""));
    BOOST_TEST(first.steps == second.steps);
    BOOST_TEST(first.fingerprint == second.fingerprint);
  }
}

BOOST_AUTO_TEST_SUITE_END()
