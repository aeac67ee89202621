// How the lease table uses the workers' health: it chooses among the healthy ones, whatever happened between two
// requests.
#include "test/core/lease_table_fixture.hpp"

using namespace troupe;
using namespace troupe::core;

namespace lease_table_choice_test {
namespace {

struct choice_fixture : lease_fixture {
  uint64_t next_task = 100;
  uint64_t next_ticket = 1;

  choice_fixture() {
    add(1);
    add(2);
  }

  void add(uint64_t id) {
    add_registered(worker_of(id, 4));
  }

  void add_registered(const registration& x) {
    lease_fixture::add(x);
    auto id = x.worker.value;
    for (int i = 0; i < 4; ++i)
      leases.task_joined(task_id{next_task++}, worker_id{id}, now);
  }

  /// The worker that gets a new request; 0 if the request waits.
  uint64_t taker(lease_request x = transcode()) {
    auto ticket = next_ticket++;
    leases.request(x, ticket, 1, now);
    accept_all();
    return effects.granted.contains(ticket) ? effects.granted[ticket].worker.value : 0;
  }

  void beat(uint64_t id, double pressure) {
    heartbeat x;
    x.worker = worker_id{id};
    x.machine.cpu_pressure.avg10 = pressure;
    BOOST_REQUIRE(workers.beat(x, now, 0));
  }
};

} // namespace
} // namespace lease_table_choice_test

BOOST_FIXTURE_TEST_SUITE(lease_table_choice_test, choice_fixture)

BOOST_AUTO_TEST_CASE(work_spreads_over_equals) {
  auto first = taker();
  BOOST_TEST(taker() != first);
}

BOOST_AUTO_TEST_CASE(a_degraded_worker_is_the_last_choice_however_empty_it_is) {
  beat(1, 90);
  for (int i = 0; i < 4; ++i)
    BOOST_TEST(taker() == 2u);
  BOOST_TEST(taker() == 1u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_drains_or_is_silent_gets_nothing_until_it_is_back) {
  workers.set_draining(worker_id{1}, true);
  BOOST_TEST(taker() == 2u);
  workers.set_draining(worker_id{1}, false);
  BOOST_TEST(taker() == 1u);
  now += 4s;
  beat(2, 0);
  (void)workers.tick(now);
  BOOST_TEST(taker() == 2u);
  BOOST_TEST(taker() == 2u);
}

BOOST_AUTO_TEST_CASE(one_that_refused_the_work_is_better_than_none_and_never_taken_where_it_must_be_elsewhere) {
  auto x = transcode();
  x.refused_by = {worker_id{1}};
  for (int i = 0; i < 4; ++i)
    BOOST_TEST(taker(x) == 2u);
  auto elsewhere = x;
  elsewhere.elsewhere = true;
  BOOST_TEST(taker(elsewhere) == 0u);
  BOOST_TEST(taker(x) == 1u);
}

BOOST_AUTO_TEST_CASE(a_request_that_waits_goes_to_a_worker_as_soon_as_it_is_resumed) {
  workers.set_draining(worker_id{1}, true);
  workers.set_draining(worker_id{2}, true);
  BOOST_TEST(taker() == 0u);
  workers.set_draining(worker_id{2}, false);
  leases.tick(now);
  accept_all();
  BOOST_REQUIRE(effects.granted.contains(1));
  BOOST_TEST(effects.granted[1].worker.value == 2u);
}

BOOST_AUTO_TEST_CASE(work_goes_to_whoever_has_a_decoder_that_opens) {
  auto x = worker_of(3, 4);
  x.can.opened_decoders = "vc1 aac_latm";
  add_registered(x);
  auto request = transcode();
  request.decoders = {"aac_latm"};
  BOOST_TEST(taker(request) == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
