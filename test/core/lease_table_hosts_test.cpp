// The lease table and hosts: processes that no lease serves are ended, and work on a draining worker is moved.
#include "test/core/lease_table_fixture.hpp"

using namespace troupe;
using namespace troupe::core;

BOOST_FIXTURE_TEST_SUITE(lease_table_hosts_test, lease_fixture)

BOOST_AUTO_TEST_CASE(a_process_that_outlives_its_lease_is_ended_until_it_is_gone) {
  add_worker(1, 2);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.request(transcode(), 7, 1, now);
  accept_all();
  // The host's connection breaks, so the message that the lease is over is lost.
  leases.host_lost(worker_id{1}, now);
  leases.task_lost(task_id{10}, {"cut", true}, now, 0);
  effects.ended.clear();
  leases.host_added(worker_id{1}, now);
  leases.task_joined(task_id{11}, worker_id{1}, now);
  auto lists = [&] {
    for (auto end = now + 16s; now < end; now += 1s)
      leases.host_lists(worker_id{1}, {listed(10, "transcode"), listed(11, "warm")}, now);
  };
  lists();
  BOOST_TEST((effects.ended == std::set<task_id>{task_id{10}}));
  effects.ended.clear();
  leases.host_lists(worker_id{1}, {listed(10, "transcode"), listed(11, "warm")}, now);
  BOOST_TEST((effects.ended == std::set<task_id>{task_id{10}}));
}

BOOST_AUTO_TEST_CASE(a_process_that_serves_waits_or_is_new_is_left_alone) {
  add_worker(1, 2);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.task_joined(task_id{11}, worker_id{1}, now);
  leases.request(transcode(), 7, 1, now);
  for (int i = 0; i < 20; ++i) {
    if (i == 2)
      accept_all(); // until then the host does not know that the process works
    auto young = uint64_t{100} + static_cast<uint64_t>(i) / 10;
    leases.host_lists(worker_id{1},
                      {listed(10, i < 2 ? "warm" : "transcode"), listed(11, "warm"), listed(young, "warm")}, now);
    now += 1s;
  }
  BOOST_TEST(effects.granted.contains(7));
  BOOST_TEST(effects.ended.empty());
}

BOOST_AUTO_TEST_CASE(a_process_that_its_host_has_given_away_is_offered_to_nobody) {
  add_worker(1, 2);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.request(transcode(), 7, 1, now);
  accept_all();
  leases.host_lost(worker_id{1}, now);
  leases.release(effects.granted.at(7).id, {}, now, 0);
  leases.host_added(worker_id{1}, now);
  leases.host_lists(worker_id{1}, {listed(10, "transcode")}, now);
  leases.request(transcode(), 8, 1, now);
  BOOST_TEST(effects.assigned.empty());
}

BOOST_AUTO_TEST_CASE(the_owners_of_what_works_on_a_draining_worker_are_asked_to_move_it_until_they_did) {
  add_worker(1, 3);
  for (uint64_t t = 10; t < 12; ++t)
    leases.task_joined(task_id{t}, worker_id{1}, now);
  leases.request(transcode(), 1, 5, now);
  leases.request(transcode(), 2, 6, now);
  accept_all();
  auto [a, b] = std::pair{effects.granted[1].id, effects.granted[2].id};
  leases.tick(now);
  BOOST_TEST(effects.moves.empty());
  workers.set_draining(worker_id{1}, true);
  leases.tick(now);
  BOOST_TEST((effects.moves == std::vector<std::pair<uint64_t, lease_id>>{{5, a}, {6, b}}));
  effects.moves.clear();
  for (int i = 0; i < 9; ++i)
    leases.tick(now += 100ms);
  BOOST_TEST(effects.moves.empty());
  leases.release(a, {}, now, 0);
  leases.tick(now += 100ms);
  BOOST_TEST((effects.moves == std::vector<std::pair<uint64_t, lease_id>>{{6, b}}));
  effects.moves.clear();
  BOOST_TEST(!workers.status()[0].drained);
  leases.release(b, {}, now, 0);
  leases.tick(now += 5s);
  BOOST_TEST(effects.moves.empty());
  BOOST_TEST(workers.status()[0].drained);
}

BOOST_AUTO_TEST_CASE(nobody_is_asked_to_move_from_a_worker_that_was_taken_back) {
  add_worker(1, 1);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.request(transcode(), 1, 5, now);
  accept_all();
  workers.set_draining(worker_id{1}, true);
  workers.set_draining(worker_id{1}, false);
  leases.tick(now);
  BOOST_TEST(effects.moves.empty());
}

BOOST_AUTO_TEST_CASE(an_ingest_is_never_asked_to_move) {
  add_worker(1, 1);
  leases.set_ingest_host(worker_id{99}, now);
  leases.task_joined(task_id{10}, worker_id{99}, now);
  lease_request x;
  x.label.kind = work_kind::ingest;
  leases.request(x, 7, 1, now);
  accept_all();
  workers.set_draining(worker_id{1}, true);
  leases.tick(now);
  BOOST_TEST(effects.moves.empty());
}

BOOST_AUTO_TEST_CASE(a_request_that_waits_for_a_process_of_a_worker_that_drains_looks_elsewhere) {
  add_worker(1, 4);
  leases.request(transcode(), 7, 1, now);
  add_worker(2, 1);
  leases.task_joined(task_id{20}, worker_id{2}, now);
  BOOST_TEST(effects.assigned.empty());
  workers.set_draining(worker_id{1}, true);
  leases.tick(now);
  accept_all();
  BOOST_REQUIRE(effects.granted.contains(7));
  BOOST_TEST(effects.granted[7].worker.value == 2u);
  BOOST_TEST(slots_used() == 1u);
}

BOOST_AUTO_TEST_CASE(a_draining_worker_gets_nothing_new_and_what_was_being_given_is_moved) {
  add_worker(1, 2);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.request(transcode(), 1, 5, now);
  BOOST_REQUIRE(effects.assigned.size() == 1u); // the lease is already on its way to the host
  workers.set_draining(worker_id{1}, true);
  leases.tick(now);
  BOOST_TEST(effects.moves.empty());
  accept_all();
  leases.tick(now);
  BOOST_TEST(effects.moves.size() == 1u);
  leases.task_joined(task_id{11}, worker_id{1}, now);
  leases.request(transcode(), 2, 5, now);
  BOOST_TEST(effects.assigned.empty());
  workers.set_draining(worker_id{1}, false);
  leases.tick(now);
  accept_all();
  BOOST_TEST(effects.granted.contains(2));
}

BOOST_AUTO_TEST_SUITE_END()
