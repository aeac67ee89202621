// The GPU watch on a machine that a scenario file describes. The stand-in for NVIDIA's library (test/fake_nvml) is
// loaded first, so the watch finds it under the driver's name. The minute that the watch waits is virtual.
#include "actors/cluster/gpu_watch.hpp"
#include "dummies.hpp"
#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

using namespace troupe;

namespace gpu_watch_test {
namespace {

struct fixture : virtual_time {
  fixture() {
    ::setenv("TROUPE_FAKE_NVML", folder.path("cards").c_str(), 1);
    driver = ::dlopen(TROUPE_BINARY_DIR "/fake_nvml/libnvidia-ml.so.1", RTLD_NOW);
    BOOST_REQUIRE(driver != nullptr);
  }

  ~fixture() {
    end();
    ::unsetenv("TROUPE_FAKE_NVML");
    ::dlclose(driver);
  }

  void play(std::string_view text) {
    std::ofstream{folder.path("cards")} << text;
  }

  void start(gpu_watch_config with = {}) {
    watch = keep(spawn_gpu_watch(system, std::move(with)));
  }

  /// What the watch says about NVIDIA's cards.
  std::vector<gpu_report> cards(const std::vector<task_statistics>& tasks = {}) {
    auto got = ask<std::vector<gpu_report>>(*this, watch, status_atom_v, tasks);
    BOOST_REQUIRE(comes([&] { return got->came(); }));
    auto result = **got;
    std::erase_if(result, [](const gpu_report& x) { return x.card.vendor != gpu_vendor::nvidia; });
    return result;
  }

  test::temporary_folder folder;
  void* driver = nullptr;
  gpu_watch_actor watch;
};

} // namespace
} // namespace gpu_watch_test

BOOST_FIXTURE_TEST_SUITE(gpu_watch_test, fixture)

BOOST_AUTO_TEST_CASE(sessions_of_this_workers_tasks_are_told_by_their_leases_and_others_only_counted) {
  auto mine = std::to_string(::getpid());
  play("card\nuuid GPU-a\nsession " + mine + "\nsession 4711\n");
  start();
  task_statistics at_work;
  at_work.process.pid = ::getpid();
  at_work.lease = lease_id{5};
  task_statistics waits;
  waits.process.pid = 4711;
  auto x = cards({at_work, waits});
  BOOST_REQUIRE(x.size() == 1u);
  BOOST_TEST(x[0].reading.encode_sessions.value() == 2u);
  BOOST_TEST((x[0].counted == std::vector{lease_id{5}}));
}

BOOST_AUTO_TEST_CASE(configured_limits_come_with_the_card_that_they_are_for) {
  play("card\nuuid GPU-a\npci 00000000:3B:00.0\ncard\nuuid GPU-b\npci 00000000:AF:00.0\n");
  gpu_override two, three, one;
  two.encode = session_limit::of(2);
  three.encode = session_limit::of(3);
  one.encode = session_limit::of(1);
  start({one, {{"GPU-a", two}, {"0000:af:00.0", three}}});
  auto x = cards();
  BOOST_REQUIRE(x.size() == 2u);
  BOOST_TEST((x[0].card.for_worker == one));
  BOOST_TEST((x[0].card.for_gpu == two));
  BOOST_TEST((x[1].card.for_gpu == three));
}

BOOST_AUTO_TEST_CASE(a_driver_that_does_not_start_is_tried_again_after_a_minute) {
  play("init 9\n");
  start();
  BOOST_TEST(cards().empty());
  play("card\nuuid GPU-a\n");
  pass(59s);
  BOOST_TEST(cards().empty());
  pass(1s);
  BOOST_TEST(cards().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
