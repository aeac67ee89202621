// File work in the lease table: it waits behind live work, gives chunks back to live work, and stays while a worker
// drains.
#include "test/core/lease_table_fixture.hpp"

using namespace troupe;
using namespace troupe::core;

BOOST_FIXTURE_TEST_SUITE(lease_table_files_test, lease_fixture)

BOOST_AUTO_TEST_CASE(file_work_waits_without_a_limit_and_behind_live_work) {
  add_worker(1, 1);
  leases.request(file(work_kind::chunk), 1, 5, now);
  leases.request(file(work_kind::chunk), 2, 5, now);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  accept_all();
  BOOST_TEST(effects.granted.contains(1));
  leases.tick(now += 24h);
  BOOST_TEST(effects.refused.empty());
  heartbeat alive;
  alive.worker = worker_id{1};
  BOOST_TEST(workers.beat(alive, now, 0));
  leases.request(transcode(), 3, 6, now);
  leases.release(effects.granted[1].id, {}, now, 0);
  leases.task_joined(task_id{11}, worker_id{1}, now);
  accept_all();
  BOOST_TEST(effects.granted.contains(3));
  BOOST_TEST(!effects.granted.contains(2));
}

BOOST_AUTO_TEST_CASE(a_job_whose_turn_came_first_is_served_before_those_that_asked_before_it) {
  add_worker(1, 1);
  auto ask = [this](uint64_t ticket, uint64_t turn) {
    auto x = file(work_kind::assemble);
    x.turn = turn;
    leases.request(x, ticket, 5, now);
  };
  ask(1, 10);
  ask(2, 30);
  ask(3, 20);
  ask(4, 10);
  uint64_t task = 10;
  for (auto next : {1u, 4u, 3u, 2u}) {
    leases.task_joined(task_id{task++}, worker_id{1}, now);
    accept_all();
    BOOST_REQUIRE(effects.granted.contains(next));
    BOOST_TEST(effects.granted.size() == 1u);
    leases.release(effects.granted[next].id, {}, now, 0);
    effects.granted.clear();
  }
}

BOOST_AUTO_TEST_CASE(live_work_asks_for_the_latest_chunks_slot_and_for_no_other) {
  add_worker(1, 3);
  for (uint64_t t = 10; t < 13; ++t)
    leases.task_joined(task_id{t}, worker_id{1}, now);
  leases.request(file(work_kind::chunk), 1, 5, now);
  leases.request(file(work_kind::chunk), 2, 5, now);
  leases.request(file(work_kind::assemble), 3, 5, now);
  accept_all();
  BOOST_TEST(slots_used() == 3u);
  leases.request(transcode(), 4, 6, now);
  auto second = effects.granted[2].id;
  BOOST_TEST((effects.given_back == std::vector<std::pair<uint64_t, lease_id>>{{5, second}}));
  leases.tick(now += 100ms);
  BOOST_TEST(effects.given_back.size() == 1u);
  leases.tick(now += 1s);
  BOOST_TEST(effects.given_back.size() == 2u); // the same lease, once more
  BOOST_TEST(effects.given_back.back().second.value == second.value);
  BOOST_TEST(leases.chunks_given_back() == 1u);
  leases.task_joined(task_id{20}, worker_id{1}, now);
  leases.release(second, {}, now, 0);
  accept_all();
  BOOST_TEST(effects.granted.contains(4));
  leases.tick(now += 5s);
  BOOST_TEST(effects.given_back.size() == 2u);
}

BOOST_AUTO_TEST_CASE(no_chunk_goes_for_live_work_that_its_worker_cannot_do) {
  add_worker(1, 1);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.request(file(work_kind::chunk), 1, 5, now);
  accept_all();
  auto other = transcode();
  other.encoders = {"av1"};
  leases.request(other, 2, 6, now);
  leases.tick(now += 1s);
  BOOST_TEST(effects.given_back.empty());
}

BOOST_AUTO_TEST_CASE(a_worker_that_drains_keeps_its_file_work_and_gets_no_new) {
  add_worker(1, 2);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.task_joined(task_id{11}, worker_id{1}, now);
  leases.request(file(work_kind::chunk), 1, 5, now);
  accept_all();
  workers.set_draining(worker_id{1}, true);
  leases.request(file(work_kind::chunk), 2, 5, now);
  leases.tick(now += 2s);
  BOOST_TEST(effects.moves.empty());
  BOOST_TEST(effects.assigned.empty());
  BOOST_TEST(slots_used() == 1u);
  leases.release(effects.granted[1].id, {}, now, 0);
  leases.tick(now += 2s);
  BOOST_TEST(workers.status()[0].drained);
}

BOOST_AUTO_TEST_SUITE_END()
