// Goal: a worker is blamed only for processes that die or hang on it, not for orders, sources, disks or clients.
// Method: jobs and sessions get the outcomes of their attempts and report which count. The worker table gets those and
// reports which workers get no work.
#include "test/core/file_job_fixture.hpp"
#include "test/core/lease_table_fixture.hpp"
#include "test/core/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(blame_test)

namespace {

struct probing_job {
  time_point now{1000s};
  file_job_recorder effects;
  std::optional<file_job> job;
  attempt_id attempt;

  explicit probing_job(const std::string& input = "/films/a.mkv") {
    file_job_begin begin;
    begin.order.input = input;
    begin.order.output = "/films/b.mkv";
    job.emplace(file_job_config{}, begin, effects);
    job->begin(now);
    next();
  }

  void next() {
    attempt = effects.unanswered.back();
    job->granted(attempt, {lease_id{1}, task_id{1}, worker_id{1}, "w1"}, now);
  }

  bool blames() const {
    BOOST_REQUIRE(effects.stopped.contains(attempt));
    return effects.blamed.contains(attempt);
  }
};

struct strict_table {
  time_point now{1000s};
  worker_table workers{[] {
    worker_table_config x;
    x.version = "1";
    return x;
  }()};
  lease_recorder effects;
  lease_table leases{{}, workers, effects};
  uint64_t last = 0;

  strict_table() {
    auto w = lease_fixture::worker_of(1, 4);
    w.can.decoders = {{"h264", "h264", "video", "", true, "", 0}};
    BOOST_REQUIRE(!workers.add(w, now, 0).has_value());
    leases.host_added(worker_id{1}, now);
  }

  /// True if the worker takes the work.
  bool begin(lease_request x) {
    auto ticket = ++last;
    leases.task_joined(task_id{ticket}, worker_id{1}, now);
    leases.request(x, ticket, 1, now);
    for (auto [id, task] : std::exchange(effects.assigned, {}))
      leases.assigned(id, true, {}, now);
    return effects.granted.contains(ticket);
  }

  void run(const std::string& input, const lease_end& how) {
    auto x = lease_fixture::transcode();
    x.input = input;
    BOOST_REQUIRE(begin(x));
    leases.release(effects.granted.at(last).id, how, now, 0);
  }

  health state() const {
    return workers.state(worker_id{1});
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(an_error_that_a_task_answers_with_is_not_the_workers) {
  for (auto& why : {file_failure{true, false, "No such file or directory"},
                    {false, false, "Connection refused"},
                    {false, false, "No space left on device"},
                    {true, true, "the source changed"}}) {
    probing_job x;
    x.job->on(file_result{x.attempt, why}, x.now);
    BOOST_TEST(!x.blames(), why.reason);
  }
}

BOOST_AUTO_TEST_CASE(a_process_that_dies_or_says_nothing_is_the_workers) {
  probing_job killed;
  killed.job->down(killed.attempt, "killed by signal 11", killed.now);
  BOOST_TEST(killed.blames());
  probing_job silent;
  silent.job->tick(silent.now + 6s);
  BOOST_TEST(silent.blames());
}

BOOST_AUTO_TEST_CASE(a_process_that_its_own_limit_killed_is_not_the_workers) {
  probing_job x;
  x.job->down(x.attempt, "killed by signal 9", x.now, true);
  BOOST_TEST(!x.blames());
}

BOOST_AUTO_TEST_CASE(a_task_that_waits_for_a_slow_server_is_not_the_workers_and_one_that_hangs_at_a_file_is) {
  auto stall = [](probing_job& x) {
    for (auto t = 0s; t < 125s; t += 1s) {
      x.job->on(file_progress{x.attempt}, x.now + t);
      x.job->tick(x.now + t);
    }
    return x.blames();
  };
  probing_job slow{"http://films/a.mkv"};
  BOOST_TEST(!stall(slow));
  probing_job hangs;
  BOOST_TEST(stall(hangs));
}

BOOST_FIXTURE_TEST_CASE(a_channel_that_brings_nothing_is_not_the_workers, failover_fixture) {
  make({"radio", {}, {"u"}, false});
  it->watch(wanting("hd", "libx264"), 1, now);
  ingest = ingest_runs();
  for (int64_t i = 0; i < 20; ++i)
    source(ingest, i * frame, false); // no place to join is ever marked
  first = transcode_runs(5);
  tick_for(20'000ms);
  BOOST_TEST(effects.stopped.contains(first));
  BOOST_TEST(effects.blamed.empty());
}

BOOST_FIXTURE_TEST_CASE(a_transcoder_that_takes_all_and_makes_nothing_of_it_is_not_the_workers, failover_fixture) {
  for (int64_t i = 20; i < 20 + 160; i += 10) {
    feed(i, i + 10);
    acknowledge_all();
    tick_for(100ms);
  }
  acknowledge_all();
  tick_for(15'000ms);
  BOOST_TEST(effects.stopped.contains(first));
  BOOST_TEST(effects.blamed.empty());
}

BOOST_FIXTURE_TEST_CASE(a_transcoder_that_takes_nothing_or_dies_is_the_workers, failover_fixture) {
  tick_for(15'000ms);
  BOOST_TEST(effects.blamed.contains(first));
  auto second = transcode_runs(6);
  it->down(second, "killed", now);
  BOOST_TEST(effects.blamed.contains(second));
  auto third = effects.requests.back().label.attempt;
  it->leased(third, {lease_id{2}, task_id{2}, worker_id{7}, "w"}, now);
  it->start_failed(third, {"out of memory"}, false, now);
  BOOST_TEST(effects.stopped.contains(third));
  BOOST_TEST(!effects.blamed.contains(third));
}

BOOST_AUTO_TEST_CASE(no_number_of_errors_puts_a_worker_aside) {
  strict_table x;
  for (int i = 0; i < 100; ++i)
    x.run("film " + std::to_string(i), {"Connection refused"});
  BOOST_TEST((x.state() == health::healthy));
  BOOST_TEST(x.workers.status().front().tasks_failed == 100u);
}

BOOST_AUTO_TEST_CASE(one_poisonous_input_does_not_put_a_worker_aside_and_three_dead_ones_do) {
  strict_table x;
  for (int i = 0; i < 10; ++i)
    x.run("the same film", {"killed by signal 11", true});
  BOOST_TEST((x.state() == health::degraded));
  x.run("a second film", {"killed by signal 11", true});
  x.run("a third film", {"killed by signal 11", true});
  BOOST_TEST((x.state() == health::unhealthy));
}

BOOST_FIXTURE_TEST_CASE(live_work_passes_the_breaker_of_the_only_worker_and_file_work_waits, session_fixture) {
  it->watch(wanting("hd", "libx264"), 1, now);
  auto ingest = ingest_runs();
  source(ingest, 0, true);
  auto live = effects.requests.back();
  BOOST_REQUIRE((live.label.kind == work_kind::transcode));
  strict_table x;
  for (auto* film : {"one", "two", "three"})
    x.run(film, {"killed by signal 11", true});
  BOOST_TEST(!x.begin(lease_fixture::file(work_kind::probe)));
  BOOST_TEST(x.begin(live));
}

BOOST_AUTO_TEST_SUITE_END()
