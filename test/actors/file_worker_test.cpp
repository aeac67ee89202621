// The actor of file work and its clients: which client gets the result if an earlier one has died or refused it. The
// work itself fails at once, on a thread of its own, because there is no source.
#include "actors/jobs/file_worker.hpp"
#include "job_dummies.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

namespace file_worker_test {
namespace {

/// A job as its tasks see it.
struct dummy_client {
  file_client_actor actor;
  std::vector<file_result> results;
  bool refuses = false;

  explicit dummy_client(virtual_time& world) {
    actor = world.keep(world.system.spawn([this]() -> file_client_actor::behavior_type {
      return {
        [](const file_progress&) {},
        [this](const file_result& x) -> caf::result<void> {
          results.push_back(x);
          return refuses ? caf::result<void>{caf::sec::runtime_error} : caf::result<void>{caf::unit};
        },
      };
    }));
  }
};

struct fixture : virtual_time {
  dummy_client first{*this};
  dummy_client second{*this};
  local_file_worker_actor worker;

  ~fixture() {
    end();
  }

  template <class Work>
  void begin(Work x) {
    x.source = "/nowhere/in.mkv";
    file_work work;
    work.attempt = attempt_id{7};
    work.work = x;
    worker = keep(spawn_file_worker(system, work, first.actor));
  }

  /// Another client takes the work over.
  void take_over() {
    caf::anon_send(worker, attempt_id{8}, second.actor);
    settle();
  }
};

} // namespace
} // namespace file_worker_test

BOOST_FIXTURE_TEST_SUITE(file_worker_test, fixture)

BOOST_AUTO_TEST_CASE(a_worker_ends_when_its_result_has_arrived) {
  begin(chunk_work{});
  BOOST_REQUIRE(comes([this] { return !first.results.empty(); }));
  BOOST_TEST((first.results[0].attempt == attempt_id{7}));
  BOOST_TEST(std::holds_alternative<file_failure>(first.results[0].outcome));
  BOOST_TEST(is_over(worker));
}

BOOST_AUTO_TEST_CASE(the_result_of_a_chunk_waits_for_the_client_that_takes_it_over) {
  begin(chunk_work{});
  kill(first.actor);
  settle();
  BOOST_TEST(!is_over(worker));
  take_over();
  BOOST_REQUIRE(comes([this] { return !second.results.empty(); }));
  BOOST_TEST((second.results[0].attempt == attempt_id{8}));
  BOOST_TEST(first.results.empty());
  BOOST_TEST(is_over(worker));
}

BOOST_AUTO_TEST_CASE(a_result_that_its_client_did_not_take_is_kept_for_the_next) {
  first.refuses = true;
  begin(chunk_work{});
  BOOST_REQUIRE(comes([this] { return !first.results.empty(); }));
  BOOST_TEST(!is_over(worker));
  take_over();
  BOOST_REQUIRE(second.results.size() == 1u);
  BOOST_TEST(is_over(worker));
}

BOOST_AUTO_TEST_CASE(work_that_nobody_can_take_over_ends_with_its_client) {
  begin(assemble_work{});
  kill(first.actor);
  BOOST_TEST(is_over(worker));
}

BOOST_AUTO_TEST_CASE(a_client_that_was_followed_by_another_may_die) {
  begin(chunk_work{});
  take_over();
  kill(first.actor);
  BOOST_REQUIRE(comes([this] { return !second.results.empty(); }));
  BOOST_TEST(second.results.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
