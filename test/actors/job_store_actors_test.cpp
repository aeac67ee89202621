// What the actors in front of the store do with batches that come twice, with questions that fail, and with a queue
// that ends. The store is a real one, in a folder of the test.
#include "actors/jobs/job_store_actors.hpp"
#include "registered_types.hpp"
#include "rig/scratch_folder.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <filesystem>
#include <fstream>

using namespace troupe;
using namespace std::chrono_literals;

namespace job_store_actors_test {
namespace {

constexpr auto patience = 30s;

struct fixture : registered_types {
  bench::scratch_folder folder;
  std::string url = folder.path("jobs.db");
  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};

  static store::operation submission(uint64_t n) {
    store::submit_job x;
    x.id = {1, n};
    x.name = "film";
    x.request = "{}";
    return x;
  }

  job_writer_actor writer() {
    return spawn_job_writer(system, store::job_store::open({url}).value(), url);
  }

  store_results write(const job_writer_actor& by, store_batch x) {
    store_results result;
    self->request(by, patience, std::move(x))
      .receive([&](store_results& done) { result = std::move(done); },
               [](const caf::error& why) { BOOST_FAIL(caf::to_string(why)); });
    return result;
  }

  size_t jobs() const {
    return store::job_store::open({url}).value().open_jobs({}, 1000)->rows.size();
  }
};

} // namespace
} // namespace job_store_actors_test

BOOST_FIXTURE_TEST_SUITE(job_store_actors_test, fixture)

BOOST_AUTO_TEST_CASE(a_batch_that_comes_again_is_recalled_and_not_done_twice) {
  auto by = writer();
  store_batch x{{{submission(1), false}}, 5, false};
  BOOST_TEST(!write(by, x).recalled);
  x.again = true;
  x.items[0].dropped = true; // its client was told that the submission failed
  auto again = write(by, x);
  BOOST_TEST(again.recalled);
  BOOST_REQUIRE(again.results.size() == 1u);
  BOOST_TEST(again.results[0].has_value());
  caf::anon_send(by, stop_atom_v);
  BOOST_REQUIRE(await_writers(url, patience));
  BOOST_TEST(jobs() == 1u);
}

BOOST_AUTO_TEST_CASE(what_was_dropped_is_not_done_when_its_batch_comes_again) {
  auto by = writer();
  auto done = write(by, {{{submission(1), true}, {submission(2), false}}, 5, true});
  BOOST_TEST(!done.recalled);
  BOOST_REQUIRE(done.results.size() == 2u);
  BOOST_TEST(done.results[1]->id.low == 2u);
  caf::anon_send(by, stop_atom_v);
  BOOST_REQUIRE(await_writers(url, patience));
  BOOST_TEST(jobs() == 1u);
}

BOOST_AUTO_TEST_CASE(a_reader_that_found_no_store_finds_it_when_it_is_there) {
  std::ofstream{url} << "this is no database, and long enough to be seen as one that is damaged";
  auto reader = spawn_job_reader(system, {url});
  auto ask = [&] {
    caf::expected<loaded_jobs> result{caf::error{}};
    self->request(reader, patience, std::vector<job_id>{{1, 1}})
      .receive([&](loaded_jobs& x) { result = std::move(x); }, [&](caf::error& why) { result = std::move(why); });
    return result;
  };
  BOOST_TEST(!ask());
  std::filesystem::remove(url);
  auto by = writer();
  write(by, {{{submission(1), false}}, 5, false});
  auto found = ask();
  BOOST_REQUIRE(bool{found});
  BOOST_TEST(found->jobs.size() == 1u);
  caf::anon_send(by, stop_atom_v);
  caf::anon_send(reader, stop_atom_v);
}

BOOST_AUTO_TEST_CASE(a_writer_is_waited_for_until_it_has_written_all) {
  BOOST_TEST(await_writers(url, 0ms));
  auto by = writer();
  BOOST_TEST(!await_writers(url, 0ms));
  BOOST_TEST(await_writers(url + "2", 0ms));
  store_batch last;
  for (uint64_t n = 1; n <= 100; ++n)
    last.items.push_back({submission(n), false});
  last.at_ms = 1;
  // What a queue sends when it ends.
  caf::anon_send(by, last);
  caf::anon_send(by, stop_atom_v);
  BOOST_REQUIRE(await_writers(url, patience));
  BOOST_TEST(jobs() == 100u);
}

BOOST_AUTO_TEST_SUITE_END()
