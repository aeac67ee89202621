// Leases from request to end. The desk works with a real worker table and with effects that are written down; a seeded random run
// checks that no slot leaks and none is held twice, whatever the order of events.
#include "actors/core/lease_desk.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace {

struct recorder : lease_effects {
  std::map<uint64_t, lease> granted;
  std::map<uint64_t, std::string> refused;
  std::map<worker_id, uint32_t> wanted;
  std::vector<std::pair<lease_id, task_id>> assigned;
  std::set<task_id> ended;
  std::vector<std::pair<uint64_t, lease_id>> moves;
  std::vector<std::pair<uint64_t, lease_id>> given_back;

  void grant(uint64_t ticket, const lease& x) override {
    granted[ticket] = x;
  }
  void refuse(uint64_t ticket, ec, const std::string& why) override {
    refused[ticket] = why;
  }
  void want(worker_id host, uint32_t processes) override {
    wanted[host] = processes;
  }
  void assign(worker_id, task_id task, const work_label&, lease_id id) override {
    assigned.emplace_back(id, task);
  }
  void end(worker_id, task_id task) override {
    ended.insert(task);
  }
  void move(uint64_t owner, lease_id id) override {
    moves.emplace_back(owner, id);
  }
  void give_back(uint64_t owner, lease_id id) override {
    given_back.emplace_back(owner, id);
  }
};

struct fixture {
  time_point now{1000s};
  worker_table workers{[] {
    worker_table_config x;
    x.token = "token";
    x.version = "1";
    x.breaker.failures = 1'000'000;
    return x;
  }()};
  recorder effects;
  lease_desk desk{{}, workers, effects};

  void add_worker(uint64_t id, uint32_t slots) {
    registration x;
    x.worker = worker_id{id};
    x.name = "w" + std::to_string(id);
    x.token = "token";
    x.version = "1";
    x.slots = slots;
    x.can.encoders = {{"libx264", "h264", "video", "", true, "", 0}};
    BOOST_REQUIRE(!workers.add(x, now, 0).has_value());
    desk.host_added(worker_id{id}, now);
  }

  static lease_request transcode() {
    lease_request x;
    x.label.kind = work_kind::transcode;
    x.encoders = {"h264"};
    return x;
  }

  static lease_request file(work_kind kind) {
    lease_request x;
    x.label.kind = kind;
    return x;
  }

  void accept_all() {
    for (auto [id, task] : std::exchange(effects.assigned, {}))
      desk.assigned(id, true, {}, now);
  }

  static task_statistics listed(uint64_t task, const std::string& kind) {
    task_statistics x;
    x.task = task_id{task};
    x.kind = kind;
    return x;
  }

  uint32_t slots_used() const {
    uint32_t result = 0;
    for (auto& s : workers.status())
      result += s.slots_used;
    return result;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(lease_desk_test, fixture)

BOOST_AUTO_TEST_CASE(a_warm_process_is_given_at_once_and_the_lease_ends_once) {
  add_worker(1, 2);
  BOOST_TEST(effects.wanted[worker_id{1}] == 1u);
  BOOST_TEST(desk.task_joined(task_id{10}, worker_id{1}, now));
  desk.request(transcode(), 7, 1, now);
  accept_all();
  BOOST_REQUIRE(effects.granted.contains(7));
  BOOST_TEST(effects.granted[7].task.value == 10u);
  BOOST_TEST(effects.granted[7].worker_name == "w1");
  BOOST_TEST(slots_used() == 1u);
  desk.release(effects.granted[7].id, {}, now, 0);
  desk.release(effects.granted[7].id, {}, now, 0);
  BOOST_TEST(slots_used() == 0u);
  BOOST_TEST(effects.ended.contains(task_id{10}));
}

BOOST_AUTO_TEST_CASE(without_a_warm_process_one_is_asked_for_and_the_request_waits) {
  add_worker(1, 2);
  desk.request(transcode(), 7, 1, now);
  BOOST_TEST(effects.wanted[worker_id{1}] == 2u);
  BOOST_TEST(desk.task_joined(task_id{10}, worker_id{1}, now));
  accept_all();
  BOOST_TEST(effects.granted.contains(7));
  BOOST_TEST(effects.wanted[worker_id{1}] == 1u);
}

BOOST_AUTO_TEST_CASE(a_request_waits_for_a_worker_and_is_refused_with_the_reasons_in_time) {
  desk.request(transcode(), 7, 1, now);
  desk.tick(now + 4s);
  BOOST_TEST(effects.refused.empty());
  add_worker(1, 1);
  BOOST_TEST(desk.task_joined(task_id{10}, worker_id{1}, now));
  accept_all();
  BOOST_TEST(effects.granted.contains(7));
  desk.request(transcode(), 8, 1, now);
  desk.tick(now + 5s);
  BOOST_REQUIRE(effects.refused.contains(8));
  BOOST_TEST(effects.refused[8].find("no free slot") != std::string::npos);
  BOOST_TEST(slots_used() == 1u);
}

BOOST_AUTO_TEST_CASE(a_freed_slot_goes_to_the_first_that_waits) {
  add_worker(1, 1);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.task_joined(task_id{11}, worker_id{1}, now);
  desk.request(transcode(), 1, 1, now);
  accept_all();
  desk.request(transcode(), 2, 1, now);
  desk.request(transcode(), 3, 1, now);
  desk.release(effects.granted[1].id, {}, now, 0);
  accept_all();
  BOOST_TEST(effects.granted.contains(2));
  BOOST_TEST(!effects.granted.contains(3));
}

BOOST_AUTO_TEST_CASE(the_second_best_is_tried_when_the_best_refuses) {
  add_worker(1, 4);
  add_worker(2, 1);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.task_joined(task_id{20}, worker_id{2}, now);
  desk.request(transcode(), 7, 1, now);
  BOOST_REQUIRE(effects.assigned.size() == 1u);
  auto first = effects.assigned[0];
  effects.assigned.clear();
  desk.assigned(first.first, false, "it drains", now);
  BOOST_REQUIRE(effects.assigned.size() == 1u);
  BOOST_TEST((effects.assigned[0].second != first.second));
  accept_all();
  BOOST_TEST(effects.granted.contains(7));
  BOOST_TEST(slots_used() == 1u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_brings_up_no_process_is_passed_over) {
  add_worker(1, 4);
  desk.request(transcode(), 7, 1, now);
  add_worker(2, 1);
  desk.task_joined(task_id{20}, worker_id{2}, now);
  desk.tick(now + 2s);
  accept_all();
  BOOST_REQUIRE(effects.granted.contains(7));
  BOOST_TEST(effects.granted[7].worker.value == 2u);
}

BOOST_AUTO_TEST_CASE(the_death_of_a_task_frees_its_slot_and_is_stated) {
  add_worker(1, 1);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.request(transcode(), 7, 1, now);
  accept_all();
  BOOST_TEST(desk.task_lost(task_id{10}, "killed", now, 99).has_value());
  BOOST_TEST(slots_used() == 0u);
  auto status = workers.status();
  BOOST_REQUIRE(status[0].ended.size() == 1u);
  BOOST_TEST(status[0].ended[0].reason == "killed");
  BOOST_TEST(status[0].tasks_failed == 1u);
}

BOOST_AUTO_TEST_CASE(a_process_that_outlives_its_lease_is_ended_until_it_is_gone) {
  add_worker(1, 2);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.request(transcode(), 7, 1, now);
  accept_all();
  // The host's connection breaks, and with it goes the word that the lease is over.
  desk.host_lost(worker_id{1}, now);
  desk.task_lost(task_id{10}, "cut", now, 0);
  effects.ended.clear();
  desk.host_added(worker_id{1}, now);
  desk.task_joined(task_id{11}, worker_id{1}, now);
  auto lists = [&] {
    for (auto end = now + 16s; now < end; now += 1s)
      desk.host_lists(worker_id{1}, {listed(10, "transcode"), listed(11, "warm")}, now);
  };
  lists();
  BOOST_TEST((effects.ended == std::set<task_id>{task_id{10}}));
  effects.ended.clear();
  desk.host_lists(worker_id{1}, {listed(10, "transcode"), listed(11, "warm")}, now);
  BOOST_TEST((effects.ended == std::set<task_id>{task_id{10}}));
}

BOOST_AUTO_TEST_CASE(a_process_that_serves_waits_or_is_new_is_left_alone) {
  add_worker(1, 2);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.task_joined(task_id{11}, worker_id{1}, now);
  desk.request(transcode(), 7, 1, now);
  for (int i = 0; i < 20; ++i) {
    if (i == 2)
      accept_all(); // until then the host does not know yet that it works
    auto young = static_cast<uint64_t>(100 + i / 10);
    desk.host_lists(worker_id{1}, {listed(10, i < 2 ? "warm" : "transcode"), listed(11, "warm"), listed(young, "warm")},
                    now);
    now += 1s;
  }
  BOOST_TEST(effects.granted.contains(7));
  BOOST_TEST(effects.ended.empty());
}

BOOST_AUTO_TEST_CASE(a_process_that_its_host_has_given_away_is_offered_to_nobody) {
  add_worker(1, 2);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.request(transcode(), 7, 1, now);
  accept_all();
  desk.host_lost(worker_id{1}, now);
  desk.release(effects.granted.at(7).id, {}, now, 0);
  desk.host_added(worker_id{1}, now);
  desk.host_lists(worker_id{1}, {listed(10, "transcode")}, now);
  desk.request(transcode(), 8, 1, now);
  BOOST_TEST(effects.assigned.empty());
}

BOOST_AUTO_TEST_CASE(the_leases_of_an_owner_end_with_it) {
  add_worker(1, 3);
  for (uint64_t t = 10; t < 13; ++t)
    desk.task_joined(task_id{t}, worker_id{1}, now);
  desk.request(transcode(), 1, 5, now);
  desk.request(transcode(), 2, 5, now);
  desk.request(transcode(), 3, 6, now);
  accept_all();
  desk.owner_lost(5, now, 0);
  BOOST_TEST(slots_used() == 1u);
  BOOST_TEST(effects.ended.size() == 2u);
}

BOOST_AUTO_TEST_CASE(ingest_runs_on_the_coordinators_host_and_takes_no_slot) {
  add_worker(1, 1);
  desk.set_ingest_host(worker_id{99}, now);
  desk.task_joined(task_id{10}, worker_id{99}, now);
  lease_request x;
  x.label.kind = work_kind::ingest;
  desk.request(x, 7, 1, now);
  accept_all();
  BOOST_TEST(effects.granted[7].worker.value == 99u);
  BOOST_TEST(slots_used() == 0u);
}

BOOST_AUTO_TEST_CASE(what_waited_with_a_worker_that_comes_back_still_waits) {
  add_worker(1, 1);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.host_lost(worker_id{1}, now);
  desk.host_added(worker_id{1}, now);
  desk.request(transcode(), 7, 1, now);
  accept_all();
  BOOST_TEST(effects.granted.contains(7));
}

BOOST_AUTO_TEST_CASE(file_work_waits_without_a_limit_and_behind_live_work) {
  add_worker(1, 1);
  desk.request(file(work_kind::chunk), 1, 5, now);
  desk.request(file(work_kind::chunk), 2, 5, now);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  accept_all();
  BOOST_TEST(effects.granted.contains(1));
  desk.tick(now += 24h);
  BOOST_TEST(effects.refused.empty());
  heartbeat alive;
  alive.worker = worker_id{1};
  BOOST_TEST(workers.beat(alive, now, 0));
  desk.request(transcode(), 3, 6, now);
  desk.release(effects.granted[1].id, {}, now, 0);
  desk.task_joined(task_id{11}, worker_id{1}, now);
  accept_all();
  BOOST_TEST(effects.granted.contains(3));
  BOOST_TEST(!effects.granted.contains(2));
}

BOOST_AUTO_TEST_CASE(live_work_asks_for_the_latest_chunks_slot_and_for_no_other) {
  add_worker(1, 3);
  for (uint64_t t = 10; t < 13; ++t)
    desk.task_joined(task_id{t}, worker_id{1}, now);
  desk.request(file(work_kind::chunk), 1, 5, now);
  desk.request(file(work_kind::chunk), 2, 5, now);
  desk.request(file(work_kind::assemble), 3, 5, now);
  accept_all();
  BOOST_TEST(slots_used() == 3u);
  desk.request(transcode(), 4, 6, now);
  auto second = effects.granted[2].id;
  BOOST_TEST((effects.given_back == std::vector<std::pair<uint64_t, lease_id>>{{5, second}}));
  desk.tick(now += 100ms);
  BOOST_TEST(effects.given_back.size() == 1u);
  desk.tick(now += 1s);
  BOOST_TEST(effects.given_back.size() == 2u); // the same one, once more
  BOOST_TEST(effects.given_back.back().second.value == second.value);
  BOOST_TEST(desk.chunks_given_back() == 1u);
  desk.task_joined(task_id{20}, worker_id{1}, now);
  desk.release(second, {}, now, 0);
  accept_all();
  BOOST_TEST(effects.granted.contains(4));
  desk.tick(now += 5s);
  BOOST_TEST(effects.given_back.size() == 2u);
}

BOOST_AUTO_TEST_CASE(no_chunk_goes_for_live_work_that_its_worker_cannot_do) {
  add_worker(1, 1);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.request(file(work_kind::chunk), 1, 5, now);
  accept_all();
  auto other = transcode();
  other.encoders = {"av1"};
  desk.request(other, 2, 6, now);
  desk.tick(now += 1s);
  BOOST_TEST(effects.given_back.empty());
}

BOOST_AUTO_TEST_CASE(a_worker_that_drains_keeps_its_file_work_and_gets_no_new) {
  add_worker(1, 2);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.task_joined(task_id{11}, worker_id{1}, now);
  desk.request(file(work_kind::chunk), 1, 5, now);
  accept_all();
  workers.set_draining(worker_id{1}, true);
  desk.request(file(work_kind::chunk), 2, 5, now);
  desk.tick(now += 2s);
  BOOST_TEST(effects.moves.empty());
  BOOST_TEST(effects.assigned.empty());
  BOOST_TEST(slots_used() == 1u);
  desk.release(effects.granted[1].id, {}, now, 0);
  desk.tick(now += 2s);
  BOOST_TEST(workers.status()[0].drained);
}

BOOST_AUTO_TEST_CASE(a_task_of_an_unknown_host_is_not_taken) {
  BOOST_TEST(!desk.task_joined(task_id{10}, worker_id{1}, now));
  add_worker(1, 1);
  BOOST_TEST(desk.task_joined(task_id{10}, worker_id{1}, now));
  BOOST_TEST(!desk.task_joined(task_id{10}, worker_id{1}, now));
}

BOOST_AUTO_TEST_CASE(the_owners_of_what_works_on_a_draining_worker_are_asked_to_move_it_until_they_did) {
  add_worker(1, 3);
  for (uint64_t t = 10; t < 12; ++t)
    desk.task_joined(task_id{t}, worker_id{1}, now);
  desk.request(transcode(), 1, 5, now);
  desk.request(transcode(), 2, 6, now);
  accept_all();
  auto [a, b] = std::pair{effects.granted[1].id, effects.granted[2].id};
  desk.tick(now);
  BOOST_TEST(effects.moves.empty());
  workers.set_draining(worker_id{1}, true);
  desk.tick(now);
  BOOST_TEST((effects.moves == std::vector<std::pair<uint64_t, lease_id>>{{5, a}, {6, b}}));
  effects.moves.clear();
  for (int i = 0; i < 9; ++i)
    desk.tick(now += 100ms);
  BOOST_TEST(effects.moves.empty());
  desk.release(a, {}, now, 0);
  desk.tick(now += 100ms);
  BOOST_TEST((effects.moves == std::vector<std::pair<uint64_t, lease_id>>{{6, b}}));
  effects.moves.clear();
  BOOST_TEST(!workers.status()[0].drained);
  desk.release(b, {}, now, 0);
  desk.tick(now += 5s);
  BOOST_TEST(effects.moves.empty());
  BOOST_TEST(workers.status()[0].drained);
}

BOOST_AUTO_TEST_CASE(nobody_is_asked_to_move_from_a_worker_that_was_taken_back) {
  add_worker(1, 1);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.request(transcode(), 1, 5, now);
  accept_all();
  workers.set_draining(worker_id{1}, true);
  workers.set_draining(worker_id{1}, false);
  desk.tick(now);
  BOOST_TEST(effects.moves.empty());
}

BOOST_AUTO_TEST_CASE(an_ingest_is_never_asked_to_move) {
  add_worker(1, 1);
  desk.set_ingest_host(worker_id{99}, now);
  desk.task_joined(task_id{10}, worker_id{99}, now);
  lease_request x;
  x.label.kind = work_kind::ingest;
  desk.request(x, 7, 1, now);
  accept_all();
  workers.set_draining(worker_id{1}, true);
  desk.tick(now);
  BOOST_TEST(effects.moves.empty());
}

BOOST_AUTO_TEST_CASE(a_request_that_waits_for_a_process_of_a_worker_that_drains_looks_elsewhere) {
  add_worker(1, 4);
  desk.request(transcode(), 7, 1, now);
  add_worker(2, 1);
  desk.task_joined(task_id{20}, worker_id{2}, now);
  BOOST_TEST(effects.assigned.empty());
  workers.set_draining(worker_id{1}, true);
  desk.tick(now);
  accept_all();
  BOOST_REQUIRE(effects.granted.contains(7));
  BOOST_TEST(effects.granted[7].worker.value == 2u);
  BOOST_TEST(slots_used() == 1u);
}

BOOST_AUTO_TEST_CASE(a_draining_worker_gets_nothing_new_and_what_was_being_given_is_moved) {
  add_worker(1, 2);
  desk.task_joined(task_id{10}, worker_id{1}, now);
  desk.request(transcode(), 1, 5, now);
  BOOST_REQUIRE(effects.assigned.size() == 1u); // its host was told already
  workers.set_draining(worker_id{1}, true);
  desk.tick(now);
  BOOST_TEST(effects.moves.empty());
  accept_all();
  desk.tick(now);
  BOOST_TEST(effects.moves.size() == 1u);
  desk.task_joined(task_id{11}, worker_id{1}, now);
  desk.request(transcode(), 2, 5, now);
  BOOST_TEST(effects.assigned.empty());
  workers.set_draining(worker_id{1}, false);
  desk.tick(now);
  accept_all();
  BOOST_TEST(effects.granted.contains(2));
}

BOOST_AUTO_TEST_CASE(a_worker_on_trial_gets_one_task_and_the_next_when_that_one_was_refused) {
  worker_table few{[] {
    worker_table_config x;
    x.token = "token";
    x.version = "1";
    x.breaker.failures = 1;
    return x;
  }()};
  lease_desk on_trial{{}, few, effects};
  registration r;
  r.worker = worker_id{1};
  r.name = "w1";
  r.token = "token";
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
  on_trial.release(effects.granted[1].id, "it crashed", now, 0);
  on_trial.request(transcode(), 2, 5, now);
  BOOST_TEST(effects.assigned.empty()); // left alone
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
  BOOST_TEST(effects.granted.contains(3)); // nobody else can
  BOOST_TEST(!effects.granted.contains(4));
  on_trial.release(effects.granted[3].id, {}, now, 0);
  beat();
  BOOST_TEST(few.status()[0].breaker.state == "closed");
  BOOST_TEST(few.status()[0].slots_used == 1u); // the other one's turn
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
      desk.request(transcode(), next_ticket++, random() % 3, now);
      break;
    case 2:
    case 3:
      tasks.push_back(task_id{next_task++});
      desk.task_joined(tasks.back(), worker_id{1 + random() % 4}, now);
      break;
    case 4:
      if (!tasks.empty())
        desk.task_lost(pick(tasks), "gone", now, 0);
      break;
    case 5:
      for (auto [id, task] : std::exchange(effects.assigned, {}))
        desk.assigned(id, random() % 4 != 0, "no", now);
      break;
    case 6:
      if (!effects.granted.empty()) {
        auto i = std::next(effects.granted.begin(), static_cast<long>(random() % effects.granted.size()));
        desk.release(i->second.id, random() % 2 ? "bad" : "", now, 0);
        effects.granted.erase(i);
      }
      break;
    default:
      if (random() % 20 == 0)
        desk.owner_lost(random() % 3, now, 0);
      workers.set_draining(worker_id{1 + random() % 4}, random() % 3 == 0);
      desk.tick(now);
    }
    for (auto& s : workers.status())
      BOOST_REQUIRE(s.slots_used <= s.slots);
  }
  for (uint64_t owner = 0; owner < 3; ++owner)
    desk.owner_lost(owner, now, 0);
  BOOST_TEST(desk.leases() == 0u);
  BOOST_TEST(slots_used() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
