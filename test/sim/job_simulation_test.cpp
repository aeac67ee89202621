// File jobs on virtual time: the real job book, jobs and lease table in thousands of simulated runs (lives) with
// faults, each from a seed; see job_world.hpp for the promises. Bugs that are inserted on purpose must all be found.
//
//   TROUPE_SEEDS=N  lives to try (seeds 1 to N); TROUPE_LONG=1 tries 50 000
//   TROUPE_SEED=n   that one life alone, with a trace of what happens; TROUPE_PLANT=name plants a bug in it
#include "test/sim/job_world.hpp"
#include "test/support/build_kind.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>

using namespace troupe;
using namespace troupe::sim;

BOOST_AUTO_TEST_SUITE(job_simulation_test)

namespace {

constexpr uint64_t seeds_by_default = troupe::test::slow ? 200 : 2000;

constexpr uint64_t seeds_long = 50'000;

/// A planted bug must be found within this many lives.
constexpr uint64_t seeds_to_find = 500;

/// The test stops after this many failures.
constexpr size_t failures_max = 20;

std::optional<uint64_t> number_from(const char* variable) {
  auto text = std::getenv(variable);
  if (text == nullptr || *text == '\0')
    return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

plant plant_from(const char* variable) {
  auto text = std::getenv(variable);
  auto i = text == nullptr ? std::end(plant_names) : std::find(std::begin(plant_names), std::end(plant_names), text);
  return i == std::end(plant_names) ? plant::none : static_cast<plant>(i - std::begin(plant_names));
}

/// What went wrong, or nothing.
std::optional<std::string> live(uint64_t seed, bool trace, plant bug, job_summary* out = nullptr) {
  BOOST_TEST_CHECKPOINT("seed " << seed);
  job_world it{seed, trace, bug};
  std::optional<std::string> wrong;
  try {
    it.run();
  } catch (const violation& x) {
    wrong = "seed " + std::to_string(seed) + ", step " + std::to_string(it.clock().steps()) + ": " + x.what()
            + "; replay with TROUPE_SEED=" + std::to_string(seed) + " test-sim --run_test=job_simulation_test";
  }
  if (out != nullptr)
    *out = it.result();
  return wrong;
}

} // namespace

BOOST_AUTO_TEST_CASE(no_seed_breaks_a_promise_about_jobs) {
  if (auto one = number_from("TROUPE_SEED")) {
    auto wrong = live(*one, std::getenv("TROUPE_QUIET") == nullptr, plant_from("TROUPE_PLANT"));
    BOOST_TEST(!wrong, wrong.value_or(""));
    return;
  }
  auto by_default = std::getenv("TROUPE_LONG") == nullptr ? seeds_by_default : seeds_long;
  auto seeds = number_from("TROUPE_SEEDS").value_or(by_default);
  job_summary total;
  size_t failures = 0;
  uint64_t lives = 0;
  for (uint64_t seed = 1; seed <= seeds && failures < failures_max; ++seed) {
    job_summary s;
    ++lives;
    if (auto wrong = live(seed, false, plant::none, &s)) {
      BOOST_TEST_ERROR(*wrong);
      ++failures;
    }
    total.steps += s.steps;
    for (auto& [what, n] : s.counts)
      total.counts[what] += n;
  }
  BOOST_TEST(failures == 0u);
  std::string text;
  for (auto& [what, n] : total.counts)
    text += ", " + what + " " + std::to_string(n);
  BOOST_TEST_MESSAGE(lives << " lives, " << total.steps << " steps" << text);
}

BOOST_AUTO_TEST_CASE(a_seed_is_the_same_life_each_time) {
  for (uint64_t seed : {1, 2, 3}) {
    job_summary first;
    job_summary second;
    auto a = live(seed, false, plant::none, &first);
    auto b = live(seed, false, plant::none, &second);
    BOOST_TEST(a.value_or("") == b.value_or(""));
    BOOST_TEST(first.steps == second.steps);
    BOOST_TEST(first.fingerprint == second.fingerprint);
  }
}

BOOST_AUTO_TEST_CASE(each_planted_bug_is_found) {
  if (number_from("TROUPE_SEED"))
    return;
  for (size_t i = 1; i < plants; ++i) {
    std::optional<std::string> found;
    uint64_t seed = 1;
    for (; seed <= seeds_to_find && !found; ++seed)
      found = live(seed, false, static_cast<plant>(i));
    BOOST_TEST(found.has_value(), "the bug " << plant_names[i] << " is not found in " << seeds_to_find << " lives");
    if (found)
      BOOST_TEST_MESSAGE(plant_names[i] << ": " << *found);
  }
}

BOOST_AUTO_TEST_SUITE_END()
