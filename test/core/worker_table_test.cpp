// Which workers are accepted, how healthy each is, and which can take work: the table gets registrations, heartbeats
// and times.
#include "core/cluster/worker_table.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace worker_table_test {
namespace {

struct fixture {
  worker_table_config config = [] {
    worker_table_config x;
    x.version = "1.0";
    return x;
  }();
  time_point now{1000s};

  int films = 0; ///< how many films have killed tasks

  static registration worker(uint64_t id, const std::string& name, uint32_t slots = 2) {
    registration x;
    x.worker = worker_id{id};
    x.name = name;
    x.version = "1.0";
    x.slots = slots;
    x.can.encoders = {{"libx264", "h264", "video", "", true, "", 0}, {"libx265", "hevc", "video", "", false, "no", 0}};
    x.can.decoders = {{"mpeg2video", "mpeg2video", "video", "", true, "", 0}};
    return x;
  }

  void fail(worker_table& table, uint64_t id, int times) {
    task_end end;
    end.reason = "crashed";
    for (int i = 0; i < times; ++i)
      table.task_ended(end, worker_id{id}, lease_id{1000}, now, true, "film " + std::to_string(++films));
  }

  static lease_request wants(const std::string& encoder) {
    lease_request x;
    x.encoders = {encoder};
    return x;
  }

  static heartbeat beat(uint64_t id, double cpu = 0, double pressure = 0) {
    heartbeat x;
    x.worker = worker_id{id};
    x.machine.cpu_percent = cpu;
    x.machine.cpu_pressure.avg10 = pressure;
    return x;
  }
};

} // namespace
} // namespace worker_table_test

BOOST_FIXTURE_TEST_SUITE(worker_table_test, fixture)

BOOST_AUTO_TEST_CASE(another_version_is_refused_with_the_reason) {
  worker_table table{config};
  auto x = worker(1, "a");
  x.version = "2.0";
  auto refused = table.add(x, now, 0);
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST(refused->reason.find("2.0") != std::string::npos);
  BOOST_TEST(table.status().empty());
}

BOOST_AUTO_TEST_CASE(a_second_worker_of_a_living_name_is_refused) {
  worker_table table{config};
  BOOST_TEST(!table.add(worker(1, "a"), now, 0).has_value());
  BOOST_TEST(table.add(worker(2, "a"), now + 1s, 0).has_value());
  BOOST_TEST(!table.add(worker(1, "a"), now + 1s, 0).has_value()); // the same life again
}

BOOST_AUTO_TEST_CASE(a_restarted_worker_takes_its_name_over) {
  worker_table table{config};
  (void)table.add(worker(1, "a"), now, 0);
  table.lost(worker_id{1}, "its worker is gone", now);
  BOOST_TEST(!table.add(worker(2, "a"), now + 10ms, 0).has_value());
  BOOST_TEST(table.find("a")->value == 2u);
  // A worker that hangs is replaced as soon as its heartbeat is overdue.
  BOOST_TEST(!table.add(worker(3, "a"), now + 10s, 0).has_value());
  BOOST_TEST(table.find("a")->value == 3u);
}

BOOST_AUTO_TEST_CASE(health_follows_the_heartbeats) {
  worker_table table{config};
  (void)table.add(worker(1, "a"), now, 0);
  BOOST_TEST((table.state(worker_id{1}) == health::healthy));
  std::map<milliseconds, health> expected{{2500ms, health::degraded}, {3500ms, health::unhealthy}};
  for (auto [later, state] : expected) {
    BOOST_TEST(table.tick(now + later).empty());
    BOOST_TEST((table.state(worker_id{1}) == state));
  }
  BOOST_TEST(table.beat(beat(1), now + 4s, 0));
  BOOST_TEST((table.state(worker_id{1}) == health::healthy));
  BOOST_TEST(table.tick(now + 11s).size() == 1u);
  BOOST_TEST((table.state(worker_id{1}) == health::gone));
  BOOST_TEST(!table.beat(beat(1), now + 12s, 0)); // the worker has to register again
  BOOST_TEST(table.tick(now + 100s).empty());
  BOOST_TEST(table.status().empty()); // the worker is forgotten after a while
}

BOOST_AUTO_TEST_CASE(pressure_and_single_failures_degrade_a_worker_and_pass) {
  worker_table table{config};
  (void)table.add(worker(1, "a"), now, 0);
  (void)table.beat(beat(1, 0, 80), now, 0);
  BOOST_TEST((table.state(worker_id{1}) == health::degraded));
  (void)table.beat(beat(1), now, 0);
  BOOST_TEST((table.state(worker_id{1}) == health::healthy));
  fail(table, 1, 1);
  BOOST_TEST((table.state(worker_id{1}) == health::degraded));
  (void)table.beat(beat(1), now + 61s, 0);
  BOOST_TEST((table.state(worker_id{1}) == health::healthy));
}

BOOST_AUTO_TEST_CASE(a_worker_that_keeps_failing_is_left_alone_then_tried_with_one_task_then_trusted) {
  worker_table table{config};
  (void)table.add(worker(1, "a", 4), now, 1'700'000'000'000);
  fail(table, 1, 3);
  auto s = table.status()[0];
  BOOST_TEST((s.state == health::unhealthy));
  BOOST_TEST(s.reason.find("3 tasks died or hung lately, the latest: crashed") != std::string::npos);
  BOOST_TEST(s.breaker.state == "open");
  BOOST_TEST(s.breaker.until_ms == 1'700'000'010'000);
  BOOST_TEST(s.breaker.reason == s.reason);
  BOOST_TEST(s.breaker.failures == 3u);
  std::string why;
  why = table.why_not(wants("libx264"));
  BOOST_TEST(why.find("a is unhealthy: 3 tasks died or hung lately") != std::string::npos);

  now += 10s;
  (void)table.beat(beat(1), now, 0);
  BOOST_TEST(table.status()[0].breaker.state == "half-open");
  BOOST_TEST(table.status()[0].breaker.until_ms == no_timestamp);
  BOOST_TEST((table.state(worker_id{1}) == health::degraded));
  BOOST_REQUIRE(table.why_not(wants("libx264")).empty());
  table.take_slot(worker_id{1}, lease_id{7});
  table.task_started(worker_id{1}, lease_id{7}, now);
  why = table.why_not(wants("libx264"));
  BOOST_TEST(why.find("on trial") != std::string::npos);

  for (int i = 0; i < 30; ++i)
    (void)table.beat(beat(1), now += 1s, 0);
  BOOST_TEST((table.state(worker_id{1}) == health::healthy));
  BOOST_TEST(table.status()[0].breaker.state == "closed");
  BOOST_TEST(table.why_not(wants("libx264")).empty());
}

BOOST_AUTO_TEST_CASE(an_end_without_a_reason_is_no_failure_of_the_worker) {
  worker_table table{config};
  (void)table.add(worker(1, "a"), now, 0);
  for (int i = 0; i < 100; ++i)
    table.task_ended({}, worker_id{1}, lease_id{1}, now);
  BOOST_TEST((table.state(worker_id{1}) == health::healthy));
  BOOST_TEST(table.status()[0].tasks_completed == 100u);
}

BOOST_AUTO_TEST_CASE(a_new_life_and_a_resumed_worker_begin_closed_and_healthy) {
  worker_table table{config};
  (void)table.add(worker(1, "a"), now, 0);
  fail(table, 1, 3);
  table.lost(worker_id{1}, "its worker is gone", now);
  BOOST_TEST(!table.add(worker(2, "a"), now, 0).has_value());
  BOOST_TEST((table.state(worker_id{2}) == health::healthy));
  BOOST_TEST(table.status()[0].breaker.state == "closed");
  BOOST_TEST(table.why_not(wants("libx264")).empty());

  fail(table, 2, 3);
  BOOST_TEST(table.set_draining(worker_id{2}, false)); // was not draining: nothing is taken back
  BOOST_TEST((table.state(worker_id{2}) == health::unhealthy));
  BOOST_TEST(table.set_draining(worker_id{2}, true));
  BOOST_TEST(table.set_draining(worker_id{2}, false));
  BOOST_TEST((table.state(worker_id{2}) == health::healthy));
}

BOOST_AUTO_TEST_CASE(the_same_life_that_comes_back_keeps_its_breaker) {
  worker_table table{config};
  (void)table.add(worker(1, "a"), now, 0);
  fail(table, 1, 3);
  table.lost(worker_id{1}, "its connection broke", now);
  BOOST_TEST(!table.add(worker(1, "a"), now + 1s, 0).has_value());
  BOOST_TEST((table.state(worker_id{1}) == health::unhealthy));
}

BOOST_AUTO_TEST_CASE(a_worker_is_drained_when_it_drains_and_nothing_works_there_any_more) {
  worker_table table{config};
  (void)table.add(worker(1, "a"), now, 0);
  BOOST_TEST(!table.status()[0].drained);
  table.take_slot(worker_id{1}, lease_id{1});
  table.set_draining(worker_id{1}, true);
  BOOST_TEST(!table.status()[0].drained);
  table.free_slot(worker_id{1}, lease_id{1});
  BOOST_TEST(table.status()[0].drained);
  table.set_draining(worker_id{1}, false);
  BOOST_TEST(!table.status()[0].drained);
  table.set_draining(worker_id{1}, true);
  table.lost(worker_id{1}, "it ended", now);
  BOOST_TEST(!table.status()[0].drained);
}

BOOST_AUTO_TEST_CASE(a_worker_that_registers_while_it_drains_gets_nothing) {
  worker_table table{config};
  auto x = worker(1, "a");
  x.draining = true;
  (void)table.add(x, now, 0);
  BOOST_TEST((table.state(worker_id{1}) == health::draining));
  BOOST_TEST(!table.why_not(wants("libx264")).empty());
}

BOOST_AUTO_TEST_CASE(only_a_worker_that_proved_the_codecs_and_has_a_slot_takes_work) {
  worker_table table{config};
  (void)table.add(worker(1, "a", 1), now, 0);
  BOOST_TEST(table.why_not(wants("libx264")).empty());
  BOOST_TEST(table.why_not(wants("h264")).empty());
  std::string why;
  why = table.why_not(wants("libx265"));
  BOOST_TEST(why.find("libx265") != std::string::npos);
  auto decode = wants("libx264");
  decode.decoders = {"vvc"};
  BOOST_TEST(!table.why_not(decode).empty());
  table.take_slot(worker_id{1}, lease_id{1});
  why = table.why_not(wants("libx264"));
  BOOST_TEST(why.find("no free slot") != std::string::npos);
  table.free_slot(worker_id{1}, lease_id{1});
  table.set_draining(worker_id{1}, true);
  BOOST_TEST(!table.why_not(wants("libx264")).empty());
  table.set_draining(worker_id{1}, false);
  auto refused = wants("libx264");
  refused.refused_by = {worker_id{1}};
  BOOST_TEST(table.why_not(refused).empty()); // a worker that refused before is better than none
  refused.elsewhere = true;
  BOOST_TEST(!table.why_not(refused).empty());
}

BOOST_AUTO_TEST_CASE(a_decoder_that_opened_counts_as_one_that_is_there) {
  worker_table table{config};
  auto x = worker(1, "a");
  x.can.opened_decoders = "aac_latm vc1";
  (void)table.add(x, now, 0);
  auto decode = wants("libx264");
  decode.decoders = {"mpeg2video", "vc1"};
  BOOST_TEST(table.why_not(decode).empty());
  decode.decoders = {"aac"};
  BOOST_TEST(!table.why_not(decode).empty());
}

BOOST_AUTO_TEST_SUITE_END()
