// The registry among dummy hosts, tasks and owners of leases, on virtual time. Deaths, refusals and releases come in
// the orders in which they are hardest to tell apart.
#include "actors/cluster/daemon_registry.hpp"
#include "config/waits.hpp"
#include "dummies.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

namespace registry_test {
namespace {

using lease_answer = std::shared_ptr<answer<lease, task_actor>>;

struct fixture : virtual_time {
  static daemon_registry_config configured() {
    daemon_registry_config x;
    x.workers.version = "1";
    x.leases.selection_timeout = 2s;
    x.leases.process_timeout = 1s;
    return x;
  }

  static registration worker(uint64_t id, const std::string& name) {
    registration x;
    x.worker = worker_id{id};
    x.name = name;
    x.version = "1";
    x.slots = 1;
    x.can.encoders = {{"libx264", "h264", "video", "", true, "", 0}};
    return x;
  }

  caf::error registering(const registration& x, const dummy_host_ptr& host) {
    return ask<caf::timespan>(*this, registry, x, task_host_actor{host->actor})->error;
  }

  caf::error joining(const task_join& x, const dummy_task_ptr& task) {
    return ask(*this, registry, x, task->task)->error;
  }

  /// A worker with one slot and one waiting process, whose number is ten times the worker's.
  dummy_task_ptr add(uint64_t id, const dummy_host_ptr& host) {
    BOOST_REQUIRE(!registering(worker(id, "w" + std::to_string(id)), host));
    auto task = make_dummy_task(*this);
    BOOST_REQUIRE(!joining({task_id{10 * id}, worker_id{id}, "1"}, task));
    return task;
  }

  lease_answer leasing(uint64_t memory_bytes = 0) {
    lease_request x;
    x.encoders = {"libx264"};
    x.label.limits.memory_bytes = memory_bytes;
    return ask<lease, task_actor>(*this, registry, x);
  }

  std::vector<daemon_status> daemons() {
    return **ask<std::vector<daemon_status>>(*this, registry, daemons_atom_v);
  }

  dummy_host_ptr host = make_dummy_host(*this);
  local_registry_actor registry = keep(spawn_daemon_registry(system, configured()));
};

} // namespace
} // namespace registry_test

BOOST_FIXTURE_TEST_SUITE(registry_test, fixture)

BOOST_AUTO_TEST_CASE(a_worker_of_another_version_is_refused) {
  auto x = worker(1, "a");
  x.version = "2";
  BOOST_TEST((registering(x, host) == ec::refused));
  BOOST_TEST(daemons().empty());
  BOOST_TEST(!registering(worker(1, "a"), host));
  BOOST_TEST(daemons().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_lease_needs_a_worker_and_its_task) {
  auto early = leasing();
  pass(2100ms);
  BOOST_TEST((early->error == ec::no_worker));
  add(1, host);
  auto got = leasing();
  BOOST_REQUIRE(got->value);
  BOOST_TEST((**got).worker_name == "w1");
  BOOST_TEST(daemons()[0].slots_used == 1u);
  auto second = leasing(); // the only slot is taken
  pass(2100ms);
  BOOST_TEST((second->error == ec::no_worker));
  caf::anon_send(registry, release_atom_v, (**got).id, lease_end{});
  BOOST_TEST(daemons()[0].slots_used == 0u);
  BOOST_TEST((host->ended == std::vector{task_id{10}}));
}

BOOST_AUTO_TEST_CASE(a_release_that_crosses_the_next_request_serves_it) {
  add(1, host);
  auto first = leasing();
  auto waits = leasing();
  BOOST_TEST(!waits->came());
  caf::anon_send(registry, release_atom_v, (**first).id, lease_end{});
  caf::anon_send(registry, release_atom_v, (**first).id, lease_end{}); // a second release frees nothing
  auto next = make_dummy_task(*this);
  BOOST_REQUIRE(!joining({task_id{11}, worker_id{1}, "1"}, next));
  BOOST_REQUIRE(waits->value);
  BOOST_TEST((std::get<1>(*waits->value) == next->task));
  BOOST_TEST(daemons()[0].slots_used == 1u);
}

BOOST_AUTO_TEST_CASE(the_death_of_a_task_frees_the_slot_and_is_stated) {
  auto task = add(1, host);
  BOOST_REQUIRE(leasing()->value);
  kill(task->task);
  settle();
  auto x = daemons().at(0);
  BOOST_TEST(x.slots_used == 0u);
  BOOST_TEST(x.ended.size() == 1u);
  BOOST_TEST(x.tasks_failed == 1u);
}

BOOST_AUTO_TEST_CASE(a_task_that_dies_while_its_host_is_asked_is_never_granted) {
  host->holds = true;
  auto task = add(1, host);
  auto got = leasing();
  BOOST_REQUIRE(host->assigning.contains(task_id{10}));
  kill(task->task);
  settle();
  within(host->actor, [answer = host->assigning.at(task_id{10})]() mutable { answer.deliver(std::string{}); });
  settle();
  BOOST_TEST(!got->value);
  pass(3s);
  BOOST_TEST((got->error == ec::no_worker));
  BOOST_TEST(daemons().at(0).slots_used == 0u);
}

BOOST_AUTO_TEST_CASE(an_owner_that_dies_while_the_host_is_asked_leaves_no_lease_behind) {
  host->holds = true;
  add(1, host);
  auto got = leasing();
  kill(got->asker);
  settle();
  within(host->actor, [answer = host->assigning.at(task_id{10})]() mutable { answer.deliver(std::string{}); });
  settle();
  BOOST_TEST(daemons().at(0).slots_used == 0u);
  BOOST_TEST((host->ended == std::vector{task_id{10}}));
}

BOOST_AUTO_TEST_CASE(a_host_that_refuses_costs_a_request_nothing_but_the_way_to_the_next_worker) {
  host->refuses = caf::make_error(ec::refused, "no such process");
  auto other = make_dummy_host(*this);
  other->refuses = host->refuses;
  add(1, host);
  auto task = add(2, other);
  add(3, make_dummy_host(*this));
  auto got = leasing();
  BOOST_REQUIRE(got->value);
  BOOST_TEST((**got).worker_name == "w3");
  uint32_t used = 0;
  for (auto& x : daemons())
    used += x.slots_used;
  BOOST_TEST(used == 1u);
}

BOOST_AUTO_TEST_CASE(a_release_behind_the_death_of_its_task_waits_for_what_the_host_knows) {
  auto task = add(1, host);
  auto got = leasing(1 << 20);
  BOOST_REQUIRE(got->value);
  host->holds = true;
  kill(task->task);
  settle();
  caf::anon_send(registry, release_atom_v, (**got).id, lease_end{"the task process is gone", true});
  BOOST_TEST(daemons().at(0).slots_used == 1u);
  within(host->actor, [answer = host->asked.at(task_id{10})]() mutable { answer.deliver(task_exit{"killed", true}); });
  auto now = daemons().at(0);
  BOOST_TEST(now.slots_used == 0u);
  BOOST_TEST((now.state == health::healthy)); // the task's own limit killed it: the worker is not to blame
}

BOOST_AUTO_TEST_CASE(a_host_that_does_not_say_how_its_process_ended_holds_no_slot) {
  auto task = add(1, host);
  BOOST_REQUIRE(leasing(1 << 20)->value);
  host->holds = true;
  kill(task->task);
  pass(config::defaults::task_exit_wait + 100ms);
  BOOST_TEST(daemons().at(0).slots_used == 0u);
  BOOST_TEST((daemons().at(0).state == health::degraded));
}

BOOST_AUTO_TEST_CASE(the_death_of_a_host_makes_its_worker_gone_and_its_name_free) {
  BOOST_REQUIRE(!registering(worker(1, "a"), host));
  BOOST_TEST((registering(worker(2, "a"), make_dummy_host(*this)) == ec::refused));
  kill(host->actor);
  BOOST_TEST((daemons().at(0).state == health::gone));
  BOOST_TEST(!registering(worker(2, "a"), make_dummy_host(*this)));
}

BOOST_AUTO_TEST_CASE(a_task_at_work_outlives_its_host_with_its_lease) {
  auto task = add(1, host);
  auto got = leasing();
  kill(host->actor);
  settle();
  BOOST_TEST(!is_over(task->task));
  auto confirmed = ask<bool>(*this, registry, confirm_atom_v, (**got).id);
  BOOST_TEST(**confirmed);
}

BOOST_AUTO_TEST_CASE(a_request_that_waits_for_a_dead_hosts_process_looks_elsewhere) {
  BOOST_REQUIRE(!registering(worker(1, "a"), host));
  auto waits = leasing();
  BOOST_TEST(!waits->came());
  kill(host->actor);
  auto task = add(2, make_dummy_host(*this));
  BOOST_REQUIRE(waits->value);
  BOOST_TEST((**waits).worker_name == "w2");
}

BOOST_AUTO_TEST_CASE(a_worker_that_falls_silent_is_gone_after_a_while_and_must_register_again) {
  BOOST_REQUIRE(!registering(worker(1, "a"), host));
  heartbeat beat;
  beat.worker = worker_id{1};
  for (int i = 0; i < 10; ++i) {
    pass(1s);
    BOOST_TEST(!**ask<bool>(*this, registry, beat));
  }
  BOOST_TEST((daemons().at(0).state == health::healthy));
  pass(2500ms);
  BOOST_TEST((daemons().at(0).state == health::degraded));
  pass(4s);
  BOOST_TEST((daemons().at(0).state == health::gone));
  BOOST_TEST((ask<bool>(*this, registry, beat)->error == ec::unknown_daemon));
  BOOST_TEST(!registering(worker(1, "a"), host));
}

BOOST_AUTO_TEST_CASE(a_task_of_another_version_or_without_a_known_host_is_refused) {
  BOOST_REQUIRE(!registering(worker(1, "a"), host));
  BOOST_TEST((joining({task_id{5}, worker_id{1}, "2"}, make_dummy_task(*this)) == ec::refused));
  BOOST_TEST((joining({task_id{5}, worker_id{2}, "1"}, make_dummy_task(*this)) == ec::refused));
}

BOOST_AUTO_TEST_CASE(an_owner_that_dies_gives_its_leases_back) {
  add(1, host);
  auto got = leasing();
  BOOST_TEST(daemons()[0].slots_used == 1u);
  kill(got->asker);
  BOOST_TEST(daemons()[0].slots_used == 0u);
  BOOST_TEST((host->ended == std::vector{task_id{10}}));
}

BOOST_AUTO_TEST_CASE(an_owner_that_dies_before_its_grant_takes_no_slot) {
  BOOST_REQUIRE(!registering(worker(1, "a"), host));
  auto waits = leasing();
  kill(waits->asker);
  settle();
  auto task = make_dummy_task(*this);
  BOOST_REQUIRE(!joining({task_id{10}, worker_id{1}, "1"}, task));
  BOOST_TEST(daemons()[0].slots_used == 0u);
  BOOST_TEST(leasing()->came());
}

BOOST_AUTO_TEST_CASE(drain_and_resume_work_by_name_and_unknown_names_are_an_error) {
  BOOST_REQUIRE(!registering(worker(1, "a"), host));
  auto order = [&](auto atom, const std::string& name) { return ask(*this, registry, atom, name)->error; };
  BOOST_TEST(!order(drain_atom_v, "a"));
  BOOST_TEST((daemons()[0].state == health::draining));
  BOOST_TEST(!order(resume_atom_v, "1"));
  BOOST_TEST((daemons()[0].state == health::healthy));
  BOOST_TEST((order(drain_atom_v, "nobody") == ec::unknown_daemon));
  BOOST_TEST(!order(remove_atom_v, "a"));
  BOOST_TEST(daemons().empty());
  BOOST_TEST(is_over(host->actor));
}

BOOST_AUTO_TEST_SUITE_END()
