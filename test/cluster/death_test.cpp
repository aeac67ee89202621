// Goal: the end of any process is noticed at once and shown by the API, and a process that returns is accepted again.
// Method: real processes are killed, stopped and started again. The API is asked without a pause, and the time from the
// signal to the first answer that shows the death is measured. On a busy machine the kernel may delay a single answer,
// so the median of several deaths must be within the limit. TROUPE_TEST_TIME_SCALE stretches it: see time_scale().
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <signal.h>
#include <unistd.h>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(death_test)

namespace {

constexpr auto noticed_within = milliseconds{50};

cluster_settings one_channel(std::vector<std::string> flags = {}) {
  flags.emplace_back("--live.idle_timeout=1s");
  return {{{"a", media("h264.ts")}}, std::move(flags), {}};
}

/// The pid and task id of the channel's transcode, from the API. Zero and empty if the API names none.
struct transcode {
  pid_t pid = 0;
  std::string task;
  std::string worker;
};

transcode running(const cluster& c) {
  for (auto& d : c.daemons())
    for (auto& x : list(d.get_object(), "tasks")) {
      auto& t = x.get_object();
      auto pid = static_cast<pid_t>(count(object(t, "process"), "pid"));
      if (text(t, "kind") == "transcode" && holdings_of(pid).threads > 0)
        return {pid, text(t, "task"), text(d.get_object(), "name")};
    }
  return {};
}

/// Asks without a pause until `stated` is true; returns the milliseconds from `since` to that moment.
double time_to_state(clock::time_point since, const std::function<bool()>& stated) {
  auto deadline = since + scaled(milliseconds{10'000});
  for (;;) {
    auto is = stated();
    auto now = clock::now();
    if (is)
      return std::chrono::duration<double, std::milli>(now - since).count();
    BOOST_REQUIRE_MESSAGE(now < deadline, "the death is not stated at all");
  }
}

void check_median(std::vector<double> times, const char* of) {
  std::sort(times.begin(), times.end());
  for (auto t : times)
    BOOST_TEST_MESSAGE("death of a " << of << " stated after " << t << " ms");
  BOOST_TEST(times[times.size() / 2] <= static_cast<double>(scaled(noticed_within).count()));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_killed_task_is_stated_at_once_with_the_reason) {
  // The worker is not to be blamed for what the test does to its tasks.
  cluster c{one_channel({"--cluster.degraded_failures=1000", "--cluster.unhealthy_failures=1000"})};
  c.start({"w1", "w2"}, 2);
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) {
    auto client = c.watch("a", "small");
    c.wait_until("the transcode is reported", [&] { return running(c).pid != 0; });
    auto victim = running(c);
    auto ended = [&](std::string& reason) {
      for (auto& x : list(c.daemon(victim.worker), "ended"))
        if (text(x.get_object(), "task") == victim.task) {
          reason = text(x.get_object(), "reason");
          BOOST_TEST(text(x.get_object(), "channel") == "a");
          BOOST_TEST(text(x.get_object(), "profile") == "small");
          return true;
        }
      return false;
    };
    std::string reason;
    auto killed = clock::now();
    BOOST_REQUIRE(::kill(victim.pid, SIGKILL) == 0);
    times.push_back(time_to_state(killed, [&] { return ended(reason); }));
    BOOST_TEST(reason.find("the task process is gone") != std::string::npos, reason);
  }
  check_median(times, "task");
}

BOOST_AUTO_TEST_CASE(a_killed_ingest_is_stated_and_replaced_and_the_clients_stay) {
  // Without warm processes the coordinator's only task is the ingest.
  cluster c{one_channel({"--coordinator.warm_tasks=0"})};
  c.start({"w1"}, 1);
  for (auto profile : {"small", "source"}) {
    auto client = c.watch("a", profile);
    auto id = text(c.session("a"), "id");
    auto tasks = tasks_of(c.node("coordinator").pid());
    BOOST_REQUIRE(tasks.size() == 1u);
    auto killed = clock::now();
    BOOST_REQUIRE(::kill(tasks.front().pid, SIGKILL) == 0);
    auto stated = time_to_state(killed, [&] { return text(c.session("a"), "state") != "running"; });
    BOOST_TEST_MESSAGE("death of an ingest stated after " << stated << " ms");
    BOOST_TEST(client.read_body(client.body().size() + 150'000, scaled(milliseconds{15'000})));
    BOOST_TEST(text(c.session("a"), "id") == id);
    client.close();
    c.wait_until("the channel is idle", [&] { return c.session("a").empty(); });
    BOOST_TEST(count(c.daemon("w1"), "slots_used") == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_killed_worker_is_stated_at_once_and_comes_back_under_its_name) {
  cluster c{one_channel()};
  c.start({"w1"}, 1);
  std::vector<double> times;
  for (int i = 0; i < 3; ++i) {
    auto before = text(c.daemon("w1"), "id");
    auto killed = clock::now();
    c.node("w1").signal(SIGKILL);
    times.push_back(time_to_state(killed, [&] { return c.daemon_state("w1") == "gone"; }));
    BOOST_TEST(text(c.daemon("w1"), "reason").find("its worker is gone") != std::string::npos);
    BOOST_TEST(c.get("/readyz").status == 503);
    c.kill("w1");
    c.wait_until("its warm tasks end", no_orphans);
    c.start_worker("w1", 1);
    c.wait_until("w1 is back", [&] { return c.daemon_state("w1") == "healthy"; });
    BOOST_TEST(text(c.daemon("w1"), "id") != before);
    auto client = c.watch("a", "small");
    BOOST_TEST(text(c.variant("a", "small"), "worker") == "w1");
    client.close();
    c.wait_until("the channel is idle", [&] { return c.sessions().empty(); });
  }
  check_median(times, "worker");
}

BOOST_AUTO_TEST_CASE(a_channel_plays_on_while_its_worker_is_killed_and_started_again) {
  cluster c{one_channel()};
  c.start({"w1"}, 1);
  auto client = c.watch("a", "small");
  auto attempt = text(c.variant("a", "small"), "attempt");
  c.kill("w1");
  c.wait_until("w1 is gone", [&] { return c.daemon_state("w1") == "gone"; });
  BOOST_TEST(client.read_body(client.body().size() + 200'000, scaled(milliseconds{10'000})));
  c.start_worker("w1", 1);
  c.wait_until("w1 is back", [&] { return c.daemon_state("w1") == "healthy"; });
  BOOST_TEST(client.read_body(client.body().size() + 100'000, scaled(milliseconds{10'000})));
  BOOST_TEST(text(c.variant("a", "small"), "attempt") == attempt);
  // The task that outlived its worker ends with its channel.
  client.close();
  c.wait_until("nothing is left of the first life", [&] { return c.sessions().empty() && no_orphans(); });
  auto next = c.watch("a", "small", 50'000);
  BOOST_TEST(count(c.daemon("w1"), "slots_used") == 1);
}

BOOST_AUTO_TEST_CASE(failed_tasks_make_their_worker_degraded_then_unhealthy) {
  auto settings =
    one_channel({"--cluster.degraded_failures=1", "--cluster.unhealthy_failures=2", "--cluster.failure_window=1h"});
  settings.channels.push_back({"b", media("h264.ts")});
  cluster c{settings};
  c.start({"w1"}, 2);
  // However many tasks one channel kills, the channel counts once.
  for (auto [channel, expected] :
       {std::pair{"a", "degraded"}, std::pair{"a", "degraded"}, std::pair{"b", "unhealthy"}}) {
    c.wait_until("the last channel is over", [&] { return c.sessions().empty(); });
    auto client = c.watch(channel, "small");
    c.wait_until("the transcode is reported", [&] { return running(c).pid != 0; });
    BOOST_REQUIRE(::kill(running(c).pid, SIGKILL) == 0);
    c.wait_until(std::string{"w1 is "} + expected, [&, state = expected] { return c.daemon_state("w1") == state; });
    BOOST_TEST(text(c.daemon("w1"), "reason").find("died or hung lately") != std::string::npos);
  }
  // There is no other worker, so live work goes to the unhealthy one.
  BOOST_TEST(c.get("/readyz").status == 200);
  (void)c.watch("a", "small");
}

BOOST_AUTO_TEST_CASE(a_silent_worker_degrades_by_the_clock_and_is_taken_back_when_it_speaks) {
  cluster c{one_channel({scaled_flag("cluster.heartbeat_interval", milliseconds{200}),
                         scaled_flag("cluster.degraded_after", milliseconds{800}),
                         scaled_flag("cluster.unhealthy_after", milliseconds{1'600}),
                         scaled_flag("cluster.gone_after", milliseconds{2'400})})};
  c.start({"w1"}, 1);
  c.wait_until("w1 is healthy", [&] { return c.daemon_state("w1") == "healthy"; });
  auto stopped = clock::now();
  c.node("w1").signal(SIGSTOP);
  // Each state comes at its time after the last heartbeat, which was up to one interval before the stop. The registry
  // checks every 100 ms.
  for (auto [state, after] :
       {std::pair{"degraded", milliseconds{800}}, {"unhealthy", milliseconds{1'600}}, {"gone", milliseconds{2'400}}}) {
    c.wait_until(std::string{"w1 is "} + state, [&, state = state] { return c.daemon_state("w1") == state; });
    auto took = std::chrono::duration_cast<milliseconds>(clock::now() - stopped);
    BOOST_TEST_MESSAGE(state << " after " << took.count() << " ms");
    BOOST_TEST((took >= scaled(after - milliseconds{300}) && took <= scaled(after + milliseconds{400})),
               state << " after " << took.count() << " ms");
    BOOST_TEST(text(c.daemon("w1"), "reason").find("no heartbeat") != std::string::npos);
  }
  c.node("w1").signal(SIGCONT);
  c.wait_until("w1 is back", [&] { return c.daemon_state("w1") == "healthy"; });
  auto client = c.watch("a", "small");
}

BOOST_AUTO_TEST_CASE(workers_find_a_coordinator_that_comes_back) {
  cluster c{one_channel()};
  c.start({"w1", "w2"}, 1);
  { auto client = c.watch("a", "small"); }
  c.kill("coordinator");
  c.start_coordinator();
  for (auto name : {"w1", "w2"})
    c.wait_until(std::string{name} + " is back", [&] { return c.daemon_state(name) == "healthy"; });
  auto client = c.watch("a", "small");
  BOOST_TEST(c.daemons().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_second_worker_of_a_name_is_refused_while_the_first_lives) {
  cluster c{one_channel()};
  c.start({"w1"}, 1);
  auto first = text(c.daemon("w1"), "id");
  auto& second = c.start_worker("w1", 1, {}, "second");
  c.wait_until("the second is refused",
               [&] { return second.output().find("another worker named w1 is here and well") != std::string::npos; });
  BOOST_TEST(second.running());
  BOOST_TEST(c.daemons().size() == 1u);
  BOOST_TEST(text(c.daemon("w1"), "id") == first);
  BOOST_TEST(c.daemon_state("w1") == "healthy");
  BOOST_TEST(c.node("coordinator").output().find("another worker named w1") != std::string::npos);
  // The second worker keeps trying, and takes the name when it is free.
  c.stop("w1");
  c.wait_until("the second takes its place",
               [&] { return c.daemon_state("w1") == "healthy" && text(c.daemon("w1"), "id") != first; });
}

BOOST_AUTO_TEST_CASE(a_worker_with_another_token_is_refused_and_the_refusal_is_logged) {
  cluster c{one_channel()};
  c.start_coordinator();
  auto& stranger = c.start_worker("stranger", 1, {"--cluster.token=some-other-token-of-a-stranger"});
  c.wait_until(
    "the stranger is refused", [&] { return stranger.output().find("its secret is wrong") != std::string::npos; },
    milliseconds{180'000});
  BOOST_TEST(c.daemons().empty());
  auto log = c.node("coordinator").output();
  BOOST_TEST(log.find("a connection to the cluster port is refused") != std::string::npos);
  // Neither token is shown anywhere.
  BOOST_TEST(log.find("some-other-token") == std::string::npos);
  BOOST_TEST(stranger.output().find("a-token-for-tests") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
