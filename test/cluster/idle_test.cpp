// Goal: a channel without viewers stops after its timeout, releases what it held, and starts again for the next client.
// Method: clients come and go on a cluster with a short idle_timeout; the API and the process table show what remains.
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(idle_test)

namespace {

constexpr auto idle_timeout = milliseconds{1'000};

cluster_settings two_profiles() {
  return {
    {{"a", media("h264.ts")}, {"b", media("h264.ts")}},
    {"--live.idle_timeout=1s", scaled_flag("cluster.selection_timeout", milliseconds{1'000})},
    "  other:\n    video: {codec: libx264, preset: ultrafast, width: 160, bit_rate: 200k}\n    audio: {codec: copy}\n"};
}

int64_t slots_used(const cluster& c) {
  return count(c.daemon("w1"), "slots_used");
}

} // namespace

BOOST_AUTO_TEST_CASE(a_rendition_without_clients_stops_after_its_time_and_its_slot_is_free_again) {
  cluster c{two_profiles()};
  c.start({"w1"}, 1);
  clock::time_point left;
  {
    auto client = c.watch("a", "small");
    BOOST_TEST(slots_used(c) == 1);
    left = clock::now();
  }
  c.wait_until("the channel has ended", [&] { return c.sessions().empty(); });
  auto took = std::chrono::duration_cast<milliseconds>(clock::now() - left);
  BOOST_TEST((took >= idle_timeout - milliseconds{50} && took < scaled(idle_timeout + milliseconds{1'000})),
             took.count() << " ms");
  c.wait_until("the slot is free", [&] { return slots_used(c) == 0; });
  // The transcode ended regularly, not by a failure.
  auto worker = c.daemon("w1");
  BOOST_TEST(count(worker, "tasks_completed") == 1);
  BOOST_TEST(count(worker, "tasks_failed") == 0);
  BOOST_TEST(text(worker, "state") == "healthy");

  // The only slot serves the other channel, and then the first one once more.
  { auto other = c.watch("b", "small"); }
  c.wait_until("the slot is free again", [&] { return slots_used(c) == 0 && c.sessions().empty(); });
  auto again = c.watch("a", "small", 100'000);
  BOOST_TEST(slots_used(c) == 1);
}

BOOST_AUTO_TEST_CASE(one_idle_rendition_stops_while_the_other_plays_on) {
  cluster c{two_profiles()};
  c.start({"w1"}, 2);
  auto watched = c.watch("a", "small");
  { auto client = c.watch("a", "other"); }
  BOOST_TEST(list(c.session("a"), "variants").size() == 2u);
  c.wait_until("the idle one has stopped",
               [&] { return list(c.session("a"), "variants").size() == 1u && slots_used(c) == 1; });
  BOOST_TEST(!c.variant("a", "small").empty());
  BOOST_TEST(watched.read_body(watched.body().size() + 100'000, scaled(milliseconds{10'000})));
}

BOOST_AUTO_TEST_CASE(a_client_that_comes_back_in_time_finds_its_rendition_running) {
  cluster c{two_profiles()};
  c.start({"w1"}, 1);
  { auto client = c.watch("a", "small"); }
  auto attempt = text(c.variant("a", "small"), "attempt");
  auto back = c.watch("a", "small");
  BOOST_TEST(text(c.variant("a", "small"), "attempt") == attempt);
  auto until = clock::now() + idle_timeout * 2;
  while (clock::now() < until)
    BOOST_REQUIRE(back.read(scaled(milliseconds{3'000})));
  BOOST_TEST(text(c.variant("a", "small"), "attempt") == attempt);
  BOOST_TEST(count(c.variant("a", "small"), "clients_total") == 2);
}

BOOST_AUTO_TEST_CASE(a_channel_without_clients_leaves_only_warm_processes) {
  cluster c{two_profiles()};
  c.start({"w1"}, 4);
  auto settled = [&] {
    return tasks_of(c.node("coordinator").pid()).size() == 1 && tasks_of(c.node("w1").pid()).size() == 1;
  };
  c.wait_until("one process is warm on each", settled);
  {
    auto a = c.watch("a", "small");
    auto other = c.watch("a", "other");
    auto b = c.watch("b", "small");
    BOOST_TEST(slots_used(c) == 3);
    c.wait_until("three work and one is warm", [&] { return tasks_of(c.node("w1").pid()).size() == 4; });
  }
  c.wait_until("one process is warm on each again", settled);
  BOOST_TEST(slots_used(c) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
