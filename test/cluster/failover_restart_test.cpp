// Goal: a coordinator that dies and returns at its addresses finds its workers again, without the tasks of its former
// life. Clients that reconnect get their channel as from any running cluster.
// Method: the coordinator is killed while a client watches that reconnects whenever it is disconnected. The coordinator
// returns once after all tasks have ended, and once at once.
#include "rig/failover_client.hpp"
#include "test/cluster/failover.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <utility>

#include <signal.h>
#include <unistd.h>

using namespace troupe::test;
namespace bench = troupe::bench;

BOOST_AUTO_TEST_SUITE(failover_restart_test)

namespace {

constexpr auto orphan_timeout = milliseconds{3'000};

/// From a client's request to the first bytes of a channel that did not run, on a busy machine.
constexpr auto cold_start_limit = milliseconds{5'000};

bool any_lives(const std::vector<process_info>& tasks) {
  reap_orphans();
  return std::any_of(tasks.begin(), tasks.end(), [](auto& x) { return ::kill(x.pid, 0) == 0; });
}

/// Checks that each run of the coordinator gave the client a stream without faults.
void check_lives(const std::vector<bench::observations>& parts, size_t lives) {
  size_t streams = 0;
  for (auto& part : parts) {
    if (part.frames.empty())
      continue; // nobody was there to answer
    ++streams;
    auto account = bench::account_of(part, live_rate);
    account.disconnects = 0; // the coordinator died
    BOOST_TEST(account.exact());
  }
  BOOST_TEST(streams == lives);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_coordinator_that_comes_back_has_its_workers_and_nothing_of_its_former_life) {
  bench::live_source source{live_file(), {{"/live.ts", {}}}};
  cluster c{{{{"a", source.url("/live.ts"), false}},
             {"--task.orphan_timeout=" + std::to_string(orphan_timeout.count()) + "ms"},
             {}}};
  c.start({"w1", "w2"});
  bench::failover_client client{c.watch_url("a", "small")};
  auto watches = [&](int64_t beyond) {
    c.wait_until(
      "the client watches", [&] { return client.newest() >= beyond; }, milliseconds{20'000});
  };
  auto ids = [&] {
    for (auto worker : {"w1", "w2"})
      c.wait_until(std::string{worker} + " is there", [&] { return c.daemon_state(worker) == "healthy"; });
    return std::pair{text(c.daemon("w1"), "id"), text(c.daemon("w2"), "id")};
  };
  auto workers = ids();
  watches(live_gop);
  auto tasks = tasks_of(::getpid());
  BOOST_TEST(tasks.size() >= 2u); // at least the ingest and the transcoder
  c.kill("coordinator");
  c.wait_until(
    "all tasks end by themselves", [&] { return !any_lives(tasks); }, orphan_timeout);

  c.start_coordinator();
  BOOST_TEST((ids() == workers));
  auto asked = clock::now();
  { auto again = c.watch("a", "small", 1, cold_start_limit); }
  auto took = std::chrono::duration_cast<milliseconds>(clock::now() - asked);
  BOOST_TEST_MESSAGE("the channel is there " << took.count() << " ms after it was asked for");
  watches(client.newest() + live_gop);

  // The coordinator is killed once more, and returns before anybody has noticed.
  tasks = tasks_of(::getpid());
  c.kill("coordinator");
  c.start_coordinator();
  c.wait_until(
    "the tasks of the former life end", [&] { return !any_lives(tasks); }, orphan_timeout);
  BOOST_TEST((ids() == workers));
  watches(client.newest() + live_gop);
  BOOST_TEST(count(c.daemon("w1"), "slots_used") + count(c.daemon("w2"), "slots_used") == 1);
  BOOST_TEST(c.sessions().size() == 1u);
  check_lives(client.finish(), 3);
}

BOOST_AUTO_TEST_SUITE_END()
