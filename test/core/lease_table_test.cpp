// Leases from request to end. A seeded random run checks that no slot leaks and none is held twice, in any order of
// events.
#include "test/core/lease_table_fixture.hpp"

#include <random>

using namespace troupe;
using namespace troupe::core;

BOOST_FIXTURE_TEST_SUITE(lease_table_test, lease_fixture)

BOOST_AUTO_TEST_CASE(a_warm_process_is_given_at_once_and_the_lease_ends_once) {
  add_worker(1, 2);
  BOOST_TEST(effects.wanted[worker_id{1}] == 1u);
  BOOST_TEST(leases.task_joined(task_id{10}, worker_id{1}, now));
  leases.request(transcode(), 7, 1, now);
  accept_all();
  BOOST_REQUIRE(effects.granted.contains(7));
  BOOST_TEST(effects.granted[7].task.value == 10u);
  BOOST_TEST(effects.granted[7].worker_name == "w1");
  BOOST_TEST(slots_used() == 1u);
  leases.release(effects.granted[7].id, {}, now, 0);
  leases.release(effects.granted[7].id, {}, now, 0);
  BOOST_TEST(slots_used() == 0u);
  BOOST_TEST(effects.ended.contains(task_id{10}));
}

BOOST_AUTO_TEST_CASE(without_a_warm_process_one_is_asked_for_and_the_request_waits) {
  add_worker(1, 2);
  leases.request(transcode(), 7, 1, now);
  BOOST_TEST(effects.wanted[worker_id{1}] == 2u);
  BOOST_TEST(leases.task_joined(task_id{10}, worker_id{1}, now));
  accept_all();
  BOOST_TEST(effects.granted.contains(7));
  BOOST_TEST(effects.wanted[worker_id{1}] == 1u);
}

BOOST_AUTO_TEST_CASE(a_request_waits_for_a_worker_and_is_refused_with_the_reasons_in_time) {
  leases.request(transcode(), 7, 1, now);
  leases.tick(now + 4s);
  BOOST_TEST(effects.refused.empty());
  add_worker(1, 1);
  BOOST_TEST(leases.task_joined(task_id{10}, worker_id{1}, now));
  accept_all();
  BOOST_TEST(effects.granted.contains(7));
  leases.request(transcode(), 8, 1, now);
  leases.tick(now + 5s);
  BOOST_REQUIRE(effects.refused.contains(8));
  BOOST_TEST(effects.refused[8].find("no free slot") != std::string::npos);
  BOOST_TEST(slots_used() == 1u);
}

BOOST_AUTO_TEST_CASE(a_freed_slot_goes_to_the_first_that_waits) {
  add_worker(1, 1);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.task_joined(task_id{11}, worker_id{1}, now);
  leases.request(transcode(), 1, 1, now);
  accept_all();
  leases.request(transcode(), 2, 1, now);
  leases.request(transcode(), 3, 1, now);
  leases.release(effects.granted[1].id, {}, now, 0);
  accept_all();
  BOOST_TEST(effects.granted.contains(2));
  BOOST_TEST(!effects.granted.contains(3));
}

BOOST_AUTO_TEST_CASE(the_second_best_is_tried_when_the_best_refuses) {
  add_worker(1, 4);
  add_worker(2, 1);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.task_joined(task_id{20}, worker_id{2}, now);
  leases.request(transcode(), 7, 1, now);
  BOOST_REQUIRE(effects.assigned.size() == 1u);
  auto first = effects.assigned[0];
  effects.assigned.clear();
  leases.assigned(first.first, false, "it drains", now);
  BOOST_REQUIRE(effects.assigned.size() == 1u);
  BOOST_TEST((effects.assigned[0].second != first.second));
  accept_all();
  BOOST_TEST(effects.granted.contains(7));
  BOOST_TEST(slots_used() == 1u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_brings_up_no_process_is_passed_over) {
  add_worker(1, 4);
  leases.request(transcode(), 7, 1, now);
  add_worker(2, 1);
  leases.task_joined(task_id{20}, worker_id{2}, now);
  leases.tick(now + 2s);
  accept_all();
  BOOST_REQUIRE(effects.granted.contains(7));
  BOOST_TEST(effects.granted[7].worker.value == 2u);
}

BOOST_AUTO_TEST_CASE(the_death_of_a_task_frees_its_slot_and_is_stated) {
  add_worker(1, 1);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.request(transcode(), 7, 1, now);
  accept_all();
  BOOST_TEST(leases.task_lost(task_id{10}, {"killed", true}, now, 99));
  BOOST_TEST(slots_used() == 0u);
  auto status = workers.status();
  BOOST_REQUIRE(status[0].ended.size() == 1u);
  BOOST_TEST(status[0].ended[0].reason == "killed");
  BOOST_TEST(status[0].tasks_failed == 1u);
}

BOOST_AUTO_TEST_CASE(the_leases_of_an_owner_end_with_it) {
  add_worker(1, 3);
  for (uint64_t t = 10; t < 13; ++t)
    leases.task_joined(task_id{t}, worker_id{1}, now);
  leases.request(transcode(), 1, 5, now);
  leases.request(transcode(), 2, 5, now);
  leases.request(transcode(), 3, 6, now);
  accept_all();
  leases.owner_lost(5, now, 0);
  BOOST_TEST(slots_used() == 1u);
  BOOST_TEST(effects.ended.size() == 2u);
}

BOOST_AUTO_TEST_CASE(ingest_runs_on_the_coordinators_host_and_takes_no_slot) {
  add_worker(1, 1);
  leases.set_ingest_host(worker_id{99}, now);
  leases.task_joined(task_id{10}, worker_id{99}, now);
  lease_request x;
  x.label.kind = work_kind::ingest;
  leases.request(x, 7, 1, now);
  accept_all();
  BOOST_TEST(effects.granted[7].worker.value == 99u);
  BOOST_TEST(slots_used() == 0u);
}

BOOST_AUTO_TEST_CASE(what_waited_with_a_worker_that_comes_back_still_waits) {
  add_worker(1, 1);
  leases.task_joined(task_id{10}, worker_id{1}, now);
  leases.host_lost(worker_id{1}, now);
  leases.host_added(worker_id{1}, now);
  leases.request(transcode(), 7, 1, now);
  accept_all();
  BOOST_TEST(effects.granted.contains(7));
}

BOOST_AUTO_TEST_CASE(a_task_of_an_unknown_host_is_not_taken) {
  BOOST_TEST(!leases.task_joined(task_id{10}, worker_id{1}, now));
  add_worker(1, 1);
  BOOST_TEST(leases.task_joined(task_id{10}, worker_id{1}, now));
  BOOST_TEST(!leases.task_joined(task_id{10}, worker_id{1}, now));
}

BOOST_AUTO_TEST_CASE(a_worker_on_trial_gets_one_task_and_the_next_when_that_one_was_refused) {
  worker_table few{[] {
    worker_table_config x;
    x.version = "1";
    x.breaker.failures = 1;
    return x;
  }()};
  lease_table on_trial{{}, few, effects};
  registration r;
  r.worker = worker_id{1};
  r.name = "w1";
  r.version = "1";
  r.slots = 4;
  r.can.encoders = {{"libx264", "h264", "video", "", true, "", 0}};
  BOOST_REQUIRE(!few.add(r, now, 0).has_value());
  on_trial.host_added(worker_id{1}, now);
  auto beat = [&] { (void)few.beat(heartbeat{worker_id{1}, 0, {}, {}}, now, 0); };
  on_trial.task_joined(task_id{10}, worker_id{1}, now);
  auto answer = [&](bool accepted) {
    for (auto [id, task] : std::exchange(effects.assigned, {}))
      on_trial.assigned(id, accepted, "no", now);
  };
  on_trial.request(transcode(), 1, 5, now);
  answer(true);
  on_trial.release(effects.granted[1].id, {"it crashed", true}, now, 0);
  on_trial.request(transcode(), 2, 5, now);
  BOOST_TEST(effects.assigned.empty()); // the worker gets no work
  now += 10s;
  beat();
  on_trial.tick(now); // the request has waited too long by now
  on_trial.request(transcode(), 3, 5, now);
  on_trial.request(transcode(), 4, 5, now);
  for (uint64_t t = 11; t < 14; ++t)
    on_trial.task_joined(task_id{t}, worker_id{1}, now);
  BOOST_TEST(effects.assigned.size() == 1u);
  answer(false); // the host says no: the worker was not tried
  BOOST_TEST(effects.assigned.size() == 1u);
  answer(true);
  BOOST_TEST(effects.granted.contains(3)); // no other worker can take it
  BOOST_TEST(!effects.granted.contains(4));
  on_trial.release(effects.granted[3].id, {}, now, 0);
  beat();
  BOOST_TEST(few.status()[0].breaker.state == "closed");
  BOOST_TEST(few.status()[0].slots_used == 1u); // the other request gets the slot
}

BOOST_AUTO_TEST_CASE(no_slot_leaks_and_none_is_over_used_whatever_happens) {
  std::mt19937 random{20};
  for (uint64_t w = 1; w <= 4; ++w)
    add_worker(w, static_cast<uint32_t>(w));
  uint64_t next_task = 100;
  uint64_t next_ticket = 1;
  std::vector<task_id> tasks;
  auto pick = [&](auto& from) { return from[random() % from.size()]; };
  for (int step = 0; step < 20'000; ++step) {
    now += 10ms;
    for (uint64_t w = 1; w <= 4; ++w)
      (void)workers.beat(heartbeat{worker_id{w}, 0, {}, {}}, now, 0);
    switch (random() % 8) {
    case 0:
    case 1:
      leases.request(transcode(), next_ticket++, random() % 3, now);
      break;
    case 2:
    case 3:
      tasks.push_back(task_id{next_task++});
      leases.task_joined(tasks.back(), worker_id{1 + random() % 4}, now);
      break;
    case 4:
      if (!tasks.empty())
        leases.task_lost(pick(tasks), {"gone", true}, now, 0);
      break;
    case 5:
      for (auto [id, task] : std::exchange(effects.assigned, {}))
        leases.assigned(id, random() % 4 != 0, "no", now);
      break;
    case 6:
      if (!effects.granted.empty()) {
        auto i = std::next(effects.granted.begin(), static_cast<long>(random() % effects.granted.size()));
        leases.release(i->second.id, random() % 2 ? lease_end{"bad", true} : lease_end{}, now, 0);
        effects.granted.erase(i);
      }
      break;
    default:
      if (random() % 20 == 0)
        leases.owner_lost(random() % 3, now, 0);
      workers.set_draining(worker_id{1 + random() % 4}, random() % 3 == 0);
      leases.tick(now);
    }
    for (auto& s : workers.status())
      BOOST_REQUIRE(s.slots_used <= s.slots);
  }
  for (uint64_t owner = 0; owner < 3; ++owner)
    leases.owner_lost(owner, now, 0);
  BOOST_TEST(leases.leases() == 0u);
  BOOST_TEST(slots_used() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
