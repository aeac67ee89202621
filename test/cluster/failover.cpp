#include "test/cluster/failover.hpp"

#include "test/cluster/media.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <sstream>

#include <signal.h>

namespace troupe::test {

namespace {

/// The pictures that a run's two clients see together, at least: about a second for each, at half the source's rate.
constexpr uint64_t frames_min = 20;

} // namespace

bench::failover_plan small_plan(bench::fault kind, int runs) {
  bench::failover_plan result;
  result.kind = kind;
  result.runs = runs;
  result.width = 320;
  result.height = 180;
  result.wait_max = milliseconds{700};
  result.capabilities = capability_file();
  return result;
}

bench::trial_result measure(bench::failover_plan how) {
  static const temporary_folder media;
  temporary_folder folder;
  adopt_orphans();
  how.folder = folder.path();
  how.media_folder = media.path();
  auto result = bench::measure_failover(how);
  check_nothing_left(folder.path());
  std::string reasons;
  for (auto& [reason, times] : result.failovers_by_reason)
    if (times > 0)
      reasons += " " + std::to_string(times) + " " + reason;
  BOOST_TEST_MESSAGE(result.runs << " runs, " << result.account.frames << " pictures, " << result.account.audio_samples
                                 << " samples, failovers:" << reasons << "; longest gap "
                                 << bench::percentile_of(result.gaps_ms, 1) << " ms");
  BOOST_TEST(result.problem.empty(), result.problem);
  BOOST_TEST(result.runs == how.runs);
  BOOST_TEST(result.account.frames >= frames_min * static_cast<uint64_t>(how.runs));
  BOOST_TEST(result.account.marks > 0u);
  return result;
}

void check_exact(const bench::trial_result& x) {
  auto& a = x.account;
  BOOST_TEST(a.frames_lost == 0u);
  BOOST_TEST(a.frames_repeated == 0u);
  BOOST_TEST(a.frames_out_of_order == 0u);
  BOOST_TEST(a.frames_misplaced == 0u);
  BOOST_TEST(a.audio_samples_lost == 0u);
  BOOST_TEST(a.audio_samples_repeated == 0u);
  BOOST_TEST(a.decode_errors == 0u);
  BOOST_TEST(a.disconnects == 0u);
  BOOST_TEST(x.stated_frames_lost == 0u);
}

std::string live_file() {
  auto options = small_sample();
  options.seconds = 40;
  options.gop_frames = static_cast<int>(live_gop);
  return media("live.ts", options);
}

void kill_with_tasks(cluster& c, const std::string& worker) {
  auto pid = c.node(worker).pid();
  c.node(worker).signal(SIGSTOP); // it starts no further task
  auto tasks = tasks_of(pid);
  c.kill(worker);
  for (auto& x : tasks)
    ::kill(x.pid, SIGKILL);
}

double metric(const cluster& c, const std::string& name) {
  std::istringstream page{c.get("/metrics").body};
  for (std::string line; std::getline(page, line);)
    if (line.starts_with(name + " "))
      return std::strtod(line.c_str() + name.size(), nullptr);
  return -1;
}

} // namespace troupe::test
