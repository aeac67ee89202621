// A queue reads what earlier ones have written only when their writers have written all of it. The store is a real one,
// in a folder of the test.
#include "actors/jobs/job_storage.hpp"
#include "registered_types.hpp"
#include "rig/scratch_folder.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>

using namespace troupe;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(job_storage_test, registered_types)

BOOST_AUTO_TEST_CASE(a_writer_is_waited_for_until_it_has_written_all) {
  bench::scratch_folder folder;
  auto url = folder.path("jobs.db");
  BOOST_TEST(await_writers(url, 0ms));
  caf::actor_system_config config;
  caf::actor_system system{config};
  auto store = store::job_store::open({url});
  BOOST_REQUIRE(store.has_value());
  auto writer = spawn_job_writer(system, std::move(*store), url);
  BOOST_TEST(!await_writers(url, 0ms));
  BOOST_TEST(await_writers(url + "2", 0ms));
  store_batch last;
  for (uint64_t n = 1; n <= 100; ++n) {
    store::submit_job x;
    x.id = {1, n};
    x.name = "film";
    x.request = "{}";
    last.items.push_back({x, false});
  }
  last.at_ms = 1;
  // The same as a queue that ends.
  caf::anon_send(writer, last);
  caf::anon_send(writer, stop_atom_v);
  BOOST_REQUIRE(await_writers(url, 30s));
  auto next = store::job_store::open({url});
  BOOST_REQUIRE(next.has_value());
  BOOST_TEST(next->open_jobs({}, 1000)->rows.size() == 100u);
}

BOOST_AUTO_TEST_SUITE_END()
