// A worker among a dummy coordinator, registry, task host and GPU watch. The tests check when it registers, and that it
// does so once, however its connection ends. Its capabilities and its coordinator come from threads of the product, for
// whose messages the test waits.
#include "actors/cluster/worker.hpp"
#include "dummies.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

namespace worker_test {
namespace {

struct fixture : virtual_time {
  ~fixture() {
    end();
  }

  worker_config configured() {
    worker_config x;
    x.name = "w";
    x.host.host = worker_id{7};
    x.slots = 3;
    x.reconnect_delay = 250ms;
    x.find_coordinator = [search = search] { return search->find(); };
    x.prove = [] {
      capabilities result;
      result.cores = 4;
      return result;
    };
    x.start.host = [this](caf::actor_system&, task_host_config) { return host->actor; };
    x.start.gpu_watch = [this](caf::actor_system& in, gpu_watch_config) {
      return keep(in.spawn([this](gpu_watch_actor::pointer self) -> gpu_watch_actor::behavior_type {
        self->attach_functor([this] { gpu_questions.clear(); });
        return {
          [this, self](status_atom, const std::vector<task_statistics>&) -> caf::result<std::vector<gpu_report>> {
            if (driver_hangs)
              return gpu_questions.emplace_back(self->make_response_promise<std::vector<gpu_report>>());
            return gpus;
          },
        };
      }));
    };
    return x;
  }

  daemon_registry_actor start_registry() {
    auto made = system.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {
        [this](const heartbeat& x) -> caf::result<bool> {
          beats.push_back(x);
          if (forgotten)
            return caf::make_error(ec::unknown_daemon, "register first");
          return told_to_drain;
        },
        [this](drain_atom, const std::string& who) { drained.push_back(who); },
      };
    });
    return keep(caf::actor_cast<daemon_registry_actor>(made));
  }

  coordinator_actor start_coordinator() {
    auto made = system.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {
        [this](const registration& x, const task_host_actor&) -> caf::result<caf::timespan, daemon_registry_actor> {
          registrations.push_back(x);
          if (refuses)
            return caf::make_error(ec::refused, "wrong version");
          forgotten = false;
          return {caf::timespan{1s}, registry};
        },
      };
    });
    return keep(caf::actor_cast<coordinator_actor>(made));
  }

  /// Replaces the dead dummies, as a restarted coordinator does.
  void restart_coordinator() {
    kill(search->present());
    kill(registry);
    settle();
    registry = start_registry();
    search->becomes(start_coordinator());
  }

  void start() {
    it = keep(spawn_worker(system, configured()));
  }

  bool registered(size_t times) {
    return comes([&] { return registrations.size() >= times; }) && registrations.size() == times;
  }

  dummy_host_ptr host = make_dummy_host(*this);
  std::vector<gpu_report> gpus;
  std::vector<caf::typed_response_promise<std::vector<gpu_report>>> gpu_questions;
  bool driver_hangs = false;
  bool refuses = false;
  bool forgotten = false; ///< the registry does not know the worker
  bool told_to_drain = false;
  std::vector<registration> registrations;
  std::vector<heartbeat> beats;
  std::vector<std::string> drained;
  daemon_registry_actor registry = start_registry();
  std::shared_ptr<dummy_search> search = std::make_shared<dummy_search>(start_coordinator());
  worker_state::interface it;
};

} // namespace
} // namespace worker_test

BOOST_FIXTURE_TEST_SUITE(worker_test, fixture)

BOOST_AUTO_TEST_CASE(a_worker_registers_with_what_it_has_proven_and_then_beats) {
  start();
  BOOST_REQUIRE(registered(1));
  BOOST_TEST(registrations[0].worker.value == 7u);
  BOOST_TEST(registrations[0].can.cores == 4u);
  BOOST_TEST(registrations[0].slots == 3u);
  host->tasks.resize(2);
  pass(3s);
  BOOST_REQUIRE(beats.size() == 4u);
  BOOST_TEST(beats[0].sequence == 1u);
  BOOST_TEST(beats[3].sequence == 4u);
  BOOST_TEST(beats[3].tasks.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_driver_that_hangs_delays_the_registration_for_a_while_and_the_heartbeats_not_at_all) {
  driver_hangs = true;
  start();
  pass(9s);
  BOOST_TEST(registrations.empty());
  pass(1100ms);
  BOOST_REQUIRE(registered(1));
  auto before = beats.size();
  pass(5s);
  BOOST_TEST(beats.size() == before + 5);
  BOOST_TEST(gpu_questions.size() == 1u); // it is not asked again before it has answered
}

BOOST_AUTO_TEST_CASE(a_gpu_whose_driver_stops_answering_is_reported_as_faulty_until_it_answers) {
  gpus.resize(1);
  start();
  BOOST_REQUIRE(registered(1));
  pass(1s);
  driver_hangs = true;
  pass(12s);
  BOOST_REQUIRE(beats.back().gpus.size() == 1u);
  BOOST_TEST(beats.back().gpus[0].fault == "its driver does not answer");
  driver_hangs = false;
  BOOST_REQUIRE(gpu_questions.size() == 1u);
  within(it, [this, answer = gpu_questions[0]]() mutable { answer.deliver(gpus); });
  pass(2s);
  BOOST_TEST(beats.back().gpus[0].fault == "");
}

BOOST_AUTO_TEST_CASE(a_worker_registers_once_with_the_next_coordinator_under_its_old_id) {
  start();
  BOOST_REQUIRE(registered(1));
  restart_coordinator();
  BOOST_TEST(host->warm.back() == 0u); // waiting processes would lose their coordinator, too
  pass(500ms);
  BOOST_REQUIRE(registered(2));
  BOOST_TEST(registrations[1].worker.value == 7u);
  auto before = beats.size();
  pass(10s);
  BOOST_TEST(beats.size() == before + 10); // the beats of one connection only
  BOOST_TEST(search->searches() == 2);
}

BOOST_AUTO_TEST_CASE(the_death_of_the_registry_alone_is_enough_to_register_again) {
  start();
  BOOST_REQUIRE(registered(1));
  kill(registry);
  settle();
  registry = start_registry();
  pass(500ms);
  BOOST_TEST(registered(2));
}

BOOST_AUTO_TEST_CASE(a_worker_that_was_forgotten_registers_again_once) {
  start();
  BOOST_REQUIRE(registered(1));
  forgotten = true;
  pass(1500ms);
  BOOST_TEST(registered(2));
  pass(5s);
  BOOST_TEST(registrations.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_refused_worker_tries_again_at_growing_intervals) {
  refuses = true;
  start();
  BOOST_REQUIRE(registered(1));
  for (size_t i = 2; i <= 6; ++i) {
    pass(10s);
    BOOST_REQUIRE(comes([&] { return registrations.size() >= i; }));
  }
  auto before = registrations.size();
  pass(6s);
  BOOST_TEST(registrations.size() <= before + 1);
  refuses = false;
  pass(10s);
  BOOST_TEST(comes([&] { return !beats.empty(); }));
}

BOOST_AUTO_TEST_CASE(a_draining_worker_tells_the_next_coordinator_and_ends_with_its_last_task) {
  host->tasks.resize(2);
  host->tasks[0].kind = "transcode";
  host->tasks[1].kind = "warm";
  start();
  BOOST_REQUIRE(registered(1));
  auto over = ask(*this, it, drain_atom_v, caf::timespan{60s});
  BOOST_TEST((drained == std::vector<std::string>{"7"}));
  BOOST_TEST((ask(*this, it, drain_atom_v, caf::timespan{1s})->error == ec::stopping));
  restart_coordinator();
  pass(500ms);
  BOOST_REQUIRE(registered(2));
  BOOST_TEST(registrations[1].draining);
  BOOST_TEST(drained.size() == 2u);
  pass(5s);
  BOOST_TEST(!over->came());
  host->tasks.resize(0);
  pass(100ms);
  BOOST_TEST(over->value.has_value());
}

BOOST_AUTO_TEST_CASE(a_drain_that_takes_too_long_is_over_anyway) {
  host->tasks.resize(1);
  host->tasks[0].kind = "transcode";
  start();
  BOOST_REQUIRE(registered(1));
  auto over = ask(*this, it, drain_atom_v, caf::timespan{3s});
  pass(2900ms);
  BOOST_TEST(!over->came());
  pass(200ms);
  BOOST_TEST(over->value.has_value());
}

BOOST_AUTO_TEST_CASE(the_worker_ends_with_its_host) {
  start();
  BOOST_REQUIRE(registered(1));
  kill(host->actor);
  BOOST_TEST(is_over(it));
}

BOOST_AUTO_TEST_SUITE_END()
