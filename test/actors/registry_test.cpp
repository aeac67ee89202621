// The registry from its neighbours' view: real actors in one process, with a dummy host and dummy tasks that the test
// writes. Deadlines are real but long; nothing sleeps.
#include "actors/cluster/daemon_registry.hpp"
#include "actors/cluster/link.hpp"
#include "registered_types.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 10s;

struct fixture : registered_types {
  node_system_config cfg;
  caf::actor_system system{cfg};
  caf::scoped_actor self{system};
  local_registry_actor registry = spawn_daemon_registry(system, [] {
    daemon_registry_config x;
    x.workers.token = "token";
    x.workers.version = "1";
    x.leases.selection_timeout = 200ms;
    return x;
  }());

  ~fixture() {
    caf::anon_send_exit(registry, caf::exit_reason::user_shutdown);
  }

  /// A host that accepts everything and has no processes.
  task_host_actor dummy_host() {
    return system.spawn([]() -> task_host_actor::behavior_type {
      return {
        [](warm_atom, uint32_t) {},
        [](assign_atom, task_id, const work_label&) { return std::string{}; },
        [](status_atom, task_id) { return task_exit{}; },
        [](end_atom, task_id) {},
      };
    });
  }

  task_actor dummy_task() {
    return system.spawn([]() -> task_actor::behavior_type {
      return {
        [](const ingest_work&, const sample_sink_actor&) -> caf::result<ingest_actor> {
          return caf::sec::runtime_error;
        },
        [](const transcode_work&, const sample_sink_actor&) -> caf::result<transcoder_actor> {
          return caf::sec::runtime_error;
        },
        [](const file_work&, const file_client_actor&) -> caf::result<file_worker_actor> {
          return caf::sec::runtime_error;
        },
      };
    });
  }

  static registration worker(uint64_t id, const std::string& name) {
    registration x;
    x.worker = worker_id{id};
    x.name = name;
    x.token = "token";
    x.version = "1";
    x.slots = 1;
    x.can.encoders = {{"libx264", "h264", "video", "", true, "", 0}};
    return x;
  }

  caf::error registering(const registration& x, const task_host_actor& host) {
    caf::error result;
    self->request(registry, patience, x, host).receive([](caf::timespan) {}, [&](caf::error& why) { result = why; });
    return result;
  }

  std::vector<daemon_status> daemons() {
    std::vector<daemon_status> result;
    self->request(registry, patience, daemons_atom_v)
      .receive([&](std::vector<daemon_status>& x) { result = std::move(x); }, [](caf::error&) {});
    return result;
  }

  /// Asks until the workers are as `wanted` says.
  template <class Wanted>
  bool becomes(Wanted wanted) {
    auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline)
      if (wanted(daemons()))
        return true;
    return false;
  }

  caf::error joining(const task_join& x, const task_actor& task) {
    caf::error result;
    self->request(registry, patience, x, task).receive([] {}, [&](caf::error& why) { result = why; });
    return result;
  }

  caf::expected<lease> leasing(const char* encoder = "libx264") {
    lease_request x;
    x.encoders = {encoder};
    caf::expected<lease> result{caf::error{}};
    self->request(registry, patience, x)
      .receive([&](const lease& got, const task_actor&) { result = got; }, [&](caf::error& why) { result = why; });
    return result;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(registry_test, fixture)

BOOST_AUTO_TEST_CASE(a_worker_of_another_version_or_token_is_refused) {
  auto x = worker(1, "a");
  x.version = "2";
  BOOST_TEST((registering(x, dummy_host()) == ec::refused));
  x = worker(1, "a");
  x.token = "guess";
  BOOST_TEST((registering(x, dummy_host()) == ec::refused));
  BOOST_TEST(daemons().empty());
  BOOST_TEST(!registering(worker(1, "a"), dummy_host()));
  BOOST_TEST(daemons().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_lease_needs_a_worker_and_its_task) {
  BOOST_TEST((leasing().error() == ec::no_worker));
  BOOST_REQUIRE(!registering(worker(1, "a"), dummy_host()));
  auto task = dummy_task();
  BOOST_REQUIRE(!joining({task_id{5}, worker_id{1}, "token", "1"}, task));
  auto got = leasing();
  BOOST_REQUIRE(got);
  BOOST_TEST(got->worker_name == "a");
  BOOST_TEST(daemons()[0].slots_used == 1u);
  BOOST_TEST((leasing().error() == ec::no_worker)); // the only slot is taken
  self->send(registry, release_atom_v, got->id, lease_end{});
  BOOST_TEST(becomes([](auto all) { return all[0].slots_used == 0; }));
}

BOOST_AUTO_TEST_CASE(the_death_of_a_task_frees_the_slot_and_is_stated) {
  BOOST_REQUIRE(!registering(worker(1, "a"), dummy_host()));
  auto task = dummy_task();
  BOOST_REQUIRE(!joining({task_id{5}, worker_id{1}, "token", "1"}, task));
  BOOST_REQUIRE(leasing());
  caf::anon_send_exit(task, caf::exit_reason::kill);
  BOOST_TEST(
    becomes([](auto all) { return all[0].slots_used == 0 && all[0].ended.size() == 1 && all[0].tasks_failed == 1; }));
}

BOOST_AUTO_TEST_CASE(the_death_of_a_host_makes_its_worker_gone_and_its_name_free) {
  auto host = dummy_host();
  BOOST_REQUIRE(!registering(worker(1, "a"), host));
  BOOST_TEST((registering(worker(2, "a"), dummy_host()) == ec::refused));
  caf::anon_send_exit(host, caf::exit_reason::kill);
  BOOST_TEST(becomes([](auto all) { return all[0].state == health::gone; }));
  BOOST_TEST(!registering(worker(2, "a"), dummy_host()));
}

BOOST_AUTO_TEST_CASE(a_task_without_the_token_or_a_known_host_is_refused) {
  BOOST_REQUIRE(!registering(worker(1, "a"), dummy_host()));
  BOOST_TEST((joining({task_id{5}, worker_id{1}, "guess", "1"}, dummy_task()) == ec::refused));
  BOOST_TEST((joining({task_id{5}, worker_id{2}, "token", "1"}, dummy_task()) == ec::refused));
}

BOOST_AUTO_TEST_CASE(an_owner_that_dies_gives_its_leases_back) {
  BOOST_REQUIRE(!registering(worker(1, "a"), dummy_host()));
  auto task = dummy_task();
  BOOST_REQUIRE(!joining({task_id{5}, worker_id{1}, "token", "1"}, task));
  {
    caf::scoped_actor owner{system};
    lease_request x;
    x.encoders = {"libx264"};
    auto granted = false;
    owner->request(registry, patience, x)
      .receive([&](const lease&, const task_actor&) { granted = true; }, [](caf::error&) {});
    BOOST_REQUIRE(granted);
    BOOST_TEST(daemons()[0].slots_used == 1u);
  }
  BOOST_TEST(becomes([](auto all) { return all[0].slots_used == 0; }));
}

BOOST_AUTO_TEST_CASE(drain_and_resume_work_by_name_and_unknown_names_are_an_error) {
  BOOST_REQUIRE(!registering(worker(1, "a"), dummy_host()));
  auto ask = [&](auto atom, const std::string& name) {
    caf::error result;
    self->request(registry, patience, atom, name).receive([] {}, [&](caf::error& why) { result = why; });
    return result;
  };
  BOOST_TEST(!ask(drain_atom_v, "a"));
  BOOST_TEST((daemons()[0].state == health::draining));
  BOOST_TEST(!ask(resume_atom_v, "1"));
  BOOST_TEST((daemons()[0].state == health::healthy));
  BOOST_TEST((ask(drain_atom_v, "nobody") == ec::unknown_daemon));
  BOOST_TEST(!ask(remove_atom_v, "a"));
  BOOST_TEST(daemons().empty());
}

BOOST_AUTO_TEST_SUITE_END()
