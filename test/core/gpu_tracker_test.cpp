// Sessions on physical GPUs: the tracker gets reports, reservations, releases and times, and is asked what it would
// still grant.
#include "core/placement/gpu_tracker.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace gpu_tracker_test {
namespace {

struct fixture : gpu_effects {
  time_point now{1000s};
  gpu_tracker_config config;
  std::set<gpu_id> told;
  uint64_t next_lease = 1;

  void changed(gpu_id gpu) override {
    told.insert(gpu);
  }

  /// A card with a limit of its own.
  static gpu_report card(const std::string& uuid, std::optional<uint32_t> limit = 3) {
    gpu_report x;
    x.card.uuid = uuid;
    x.card.machine = "m";
    x.card.device = "cuda:0";
    x.card.name = "NVIDIA RTX A4000";
    x.card.driver = "550.1";
    x.card.vendor = gpu_vendor::nvidia;
    if (limit)
      x.card.for_gpu.encode = session_limit::of(*limit);
    return x;
  }

  static gpu_report geforce(const std::string& uuid) {
    auto x = card(uuid, std::nullopt);
    x.card.name = "NVIDIA GeForce RTX 3060";
    x.card.driver = "525.1"; // its driver allows 3 sessions on the whole machine
    return x;
  }

  lease_id promise(gpu_tracker& t, uint64_t worker, gpu_id gpu) {
    lease_id lease{next_lease++};
    return t.promise(lease, worker_id{worker}, gpu, {}, now) ? lease : lease_id{};
  }
};

constexpr worker_id a{1}, b{2};

} // namespace
} // namespace gpu_tracker_test

BOOST_FIXTURE_TEST_SUITE(gpu_tracker_test, fixture)

BOOST_AUTO_TEST_CASE(workers_that_share_a_card_share_its_sessions) {
  gpu_tracker t{config, *this};
  auto gpu = t.report(a, card("GPU-1"), now);
  BOOST_TEST((t.report(b, card("GPU-1"), now) == gpu));
  BOOST_TEST(t.size() == 1u);
  BOOST_TEST(!!promise(t, 1, gpu));
  BOOST_TEST(!!promise(t, 2, gpu));
  BOOST_TEST(!!promise(t, 2, gpu));
  BOOST_TEST(!promise(t, 1, gpu));
  BOOST_TEST((t.block(b, gpu, {}) == gpu_block::sessions));
  BOOST_TEST(t.objection(a, gpu, {}).find("its limit is 3") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_session_comes_back_once) {
  gpu_tracker t{config, *this};
  auto gpu = t.report(a, card("GPU-1", 1), now);
  auto lease = promise(t, 1, gpu);
  told.clear();
  BOOST_TEST(t.give_back(lease, now));
  BOOST_TEST((told == std::set{gpu}));
  BOOST_TEST(!t.give_back(lease, now));
  BOOST_TEST(t.find(gpu)->ours_encode == 0u);
  BOOST_TEST(!t.confirm(lease, now));
}

BOOST_AUTO_TEST_CASE(a_lost_worker_whose_tasks_died_returns_its_sessions_once) {
  gpu_tracker t{config, *this};
  auto gpu = t.report(a, card("GPU-1"), now);
  t.report(b, card("GPU-1"), now);
  auto lost = promise(t, 1, gpu), kept = promise(t, 2, gpu);
  t.confirm(lost, now);
  t.worker_lost(a, false, now);
  BOOST_TEST(t.find(gpu)->ours_encode == 1u);
  BOOST_TEST(!t.give_back(lost, now));
  BOOST_TEST(t.find(gpu)->ours_encode == 1u);
  BOOST_TEST((t.gpu_of(kept) == gpu));
}

BOOST_AUTO_TEST_CASE(sessions_of_tasks_that_outlive_their_worker_stay) {
  gpu_tracker t{config, *this};
  auto gpu = t.report(a, card("GPU-1", 1), now);
  auto lease = promise(t, 1, gpu);
  t.confirm(lease, now);
  t.worker_lost(a, true, now);
  t.report(a, card("GPU-1", 1), now);
  BOOST_TEST(!promise(t, 1, gpu));
  t.give_back(lease, now);
  BOOST_TEST(!!promise(t, 1, gpu));
}

BOOST_AUTO_TEST_CASE(a_card_that_nobody_reports_and_nobody_uses_is_forgotten) {
  gpu_tracker t{config, *this};
  auto gpu = t.report(a, card("GPU-1"), now);
  auto lease = promise(t, 1, gpu);
  t.worker_lost(a, true, now);
  BOOST_TEST(t.size() == 1u);
  t.give_back(lease, now);
  BOOST_TEST(t.size() == 0u);
}

BOOST_AUTO_TEST_CASE(sessions_of_other_programs_count) {
  gpu_tracker t{config, *this};
  auto x = card("GPU-1");
  x.reading.encode_sessions = 2;
  x.counted.emplace();
  auto gpu = t.report(a, x, now);
  BOOST_TEST(t.find(gpu)->foreign_encode == 2u);
  auto ours = promise(t, 1, gpu);
  BOOST_TEST(!promise(t, 1, gpu));
  x.reading.encode_sessions = 2; // one foreign session has ended, ours is open
  x.counted = {ours};
  t.report(a, x, now);
  BOOST_TEST(t.find(gpu)->foreign_encode == 1u);
  BOOST_TEST(!!promise(t, 1, gpu));
}

BOOST_AUTO_TEST_CASE(our_own_sessions_that_come_and_go_are_not_taken_for_foreign_ones) {
  gpu_tracker t{config, *this};
  auto x = card("GPU-1", 5);
  x.reading.encode_sessions = 0;
  auto gpu = t.report(a, x, now);
  auto first = promise(t, 1, gpu);
  promise(t, 1, gpu);
  t.confirm(first, now);
  for (uint32_t counted : {0, 1, 2}) { // the driver sees them one after the other
    x.reading.encode_sessions = counted;
    t.report(a, x, now);
    BOOST_TEST(t.find(gpu)->foreign_encode == 0u);
  }
  t.give_back(first, now);
  t.report(a, x, now); // the driver still counts two after one has ended
  BOOST_TEST(t.find(gpu)->foreign_encode == 0u);
  now += config.settle_after;
  t.report(a, x, now);
  BOOST_TEST(t.find(gpu)->foreign_encode == 1u);
}

BOOST_AUTO_TEST_CASE(geforce_cards_of_one_machine_share_their_limit) {
  gpu_tracker t{config, *this};
  auto one = t.report(a, geforce("GPU-1"), now);
  auto two = t.report(a, geforce("GPU-2"), now);
  auto lease = promise(t, 1, one);
  BOOST_TEST(!!promise(t, 1, one));
  BOOST_TEST(!!promise(t, 1, two));
  BOOST_TEST(!promise(t, 1, two));
  told.clear();
  t.give_back(lease, now);
  BOOST_TEST((told == std::set{one, two}));
  BOOST_TEST(!!promise(t, 1, two));
  auto elsewhere = geforce("GPU-3");
  elsewhere.card.machine = "another";
  auto three = t.report(b, elsewhere, now);
  BOOST_TEST(!!promise(t, 2, three));
}

BOOST_AUTO_TEST_CASE(overrides_go_from_the_coordinator_to_the_gpu_to_the_worker_to_the_table) {
  auto x = geforce("GPU-1");
  auto limit = [&](const gpu_tracker& t) { return t.find("GPU-1")->limits.encode; };
  gpu_tracker t{config, *this};
  t.report(a, x, now);
  BOOST_TEST((limit(t) == session_limit::of(3)));
  x.card.for_worker.encode = session_limit::of(7);
  t.report(a, x, now);
  BOOST_TEST((limit(t) == session_limit::of(7)));
  x.card.for_gpu.encode = session_limit::unlimited();
  t.report(a, x, now);
  BOOST_TEST(limit(t).is_unlimited());
  auto strict = x;
  strict.card.for_gpu.encode = session_limit::of(4);
  t.report(b, strict, now);
  BOOST_TEST((limit(t) == session_limit::of(4)));
  config.overrides["GPU-1"].encode = session_limit::none();
  gpu_tracker told_more{config, *this};
  told_more.report(a, x, now);
  BOOST_TEST(limit(told_more).is_none());
}

BOOST_AUTO_TEST_CASE(a_card_without_an_encoder_says_so) {
  gpu_tracker t{config, *this};
  auto x = card("GPU-1", std::nullopt);
  x.card.name = "NVIDIA H100 80GB HBM3";
  auto gpu = t.report(a, x, now);
  BOOST_TEST((t.block(a, gpu, {}) == gpu_block::no_encoder));
  BOOST_TEST(t.objection(a, gpu, {}).find("has no encoder: the chip GH100 has no NVENC") == 0u);
  BOOST_TEST((t.block(a, gpu, {false, true}) == gpu_block::none));
  BOOST_TEST(t.promise(lease_id{1}, a, gpu, {false, true}, now));
  BOOST_TEST(t.find(gpu)->ours_decode == 1u);
}

BOOST_AUTO_TEST_CASE(guards_close_at_one_value_and_open_at_a_lower_one) {
  gpu_tracker t{config, *this};
  auto x = card("GPU-1");
  gpu_id gpu;
  for (auto [celsius, block] : {std::pair{80.0, gpu_block::none},
                                {85.0, gpu_block::hot},
                                {82.0, gpu_block::hot},
                                {79.0, gpu_block::none},
                                {84.0, gpu_block::none}}) {
    x.reading.temperature_celsius = celsius;
    gpu = t.report(a, x, now);
    BOOST_TEST((t.block(a, gpu, {}) == block), celsius);
  }
  x.reading = {};
  x.reading.encoder_percent = 95;
  t.report(a, x, now);
  BOOST_TEST((t.block(a, gpu, {}) == gpu_block::busy));
  BOOST_TEST((t.block(a, gpu, {false, true}) == gpu_block::none)); // its decoder is not busy
  x.reading = {};
  x.reading.memory_total_bytes = 100;
  x.reading.memory_used_bytes = 91;
  t.report(a, x, now);
  BOOST_TEST((t.block(a, gpu, {}) == gpu_block::memory));
  BOOST_TEST(t.objection(a, gpu, {}).find("91") != std::string::npos);
  x.reading = {};
  t.report(a, x, now);
  BOOST_TEST((t.block(a, gpu, {}) == gpu_block::none));
}

BOOST_AUTO_TEST_CASE(a_device_that_failed_is_left_alone_longer_each_time_until_it_works) {
  gpu_tracker t{config, *this};
  auto gpu = t.report(a, card("GPU-1"), now);
  t.report(b, card("GPU-1"), now);
  t.failed(a, gpu, "out of order", now);
  BOOST_TEST((t.block(a, gpu, {}) == gpu_block::failed));
  BOOST_TEST(t.objection(a, gpu, {}).find("out of order") != std::string::npos);
  BOOST_TEST((t.block(b, gpu, {}) == gpu_block::none));
  t.failed(a, gpu, "again", now); // at the same time as the failure before
  now += config.back_off - 1ms;
  t.tick(now);
  BOOST_TEST((t.block(a, gpu, {}) == gpu_block::failed));
  now += 1ms;
  told.clear();
  t.tick(now);
  BOOST_TEST((t.block(a, gpu, {}) == gpu_block::none));
  BOOST_TEST((told == std::set{gpu}));
  t.failed(a, gpu, "again", now);
  now += config.back_off;
  t.tick(now);
  BOOST_TEST((t.block(a, gpu, {}) == gpu_block::failed));
  now += config.back_off;
  t.tick(now);
  // That the encoder opened proves little: it may fail at the first picture, again and again.
  auto lease = promise(t, 1, gpu);
  t.confirm(lease, now);
  t.failed(a, gpu, "after it opened", now);
  now += 2 * config.back_off;
  t.tick(now);
  BOOST_TEST((t.block(a, gpu, {}) == gpu_block::failed));
  now += 2 * config.back_off;
  t.tick(now);
  t.give_back(lease, now);
  auto good = promise(t, 1, gpu);
  t.worked(good); // its encoder was never open
  t.confirm(good, now);
  t.worked(good);
  t.failed(a, gpu, "after it worked", now);
  now += config.back_off;
  t.tick(now);
  BOOST_TEST((t.block(a, gpu, {}) == gpu_block::none));
}

BOOST_AUTO_TEST_CASE(a_card_at_fault_takes_nothing_and_says_why) {
  gpu_tracker t{config, *this};
  auto x = card("GPU-1");
  x.fault = "GPU is lost";
  auto gpu = t.report(a, x, now);
  BOOST_TEST(!promise(t, 1, gpu));
  BOOST_TEST(t.objection(a, gpu, {}).find("GPU is lost") != std::string::npos);
  BOOST_TEST(!t.report(a, gpu_report{}, now));
}

BOOST_AUTO_TEST_SUITE_END()
