// Goal: clients survive a time without any worker. The stream resumes where it stopped. If the source is not kept that
// long, it resumes at a random-access point, and the reported loss is exact to the picture.
// Method: all workers and their tasks are killed while two clients decode the stream, and one worker returns some
// seconds later. The clients' losses are compared with the API and the metrics.
#include "rig/failover_client.hpp"
#include "test/cluster/failover.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>

using namespace troupe::test;
namespace bench = troupe::bench;

BOOST_AUTO_TEST_SUITE(failover_outage_test)

namespace {

/// A coded frame of sound, of the source and of the rendition alike.
constexpr int64_t sound_frame = 1024;

/// After a hole, an encoder begins with frames of silence for the time before the first sound. They do not count as
/// missed.
constexpr int64_t beginning_frames = 2;

struct outage {
  std::array<std::vector<bench::observations>, 2> seen; ///< by client
  int64_t frames_lost = 0;                              ///< as the API states it, for each client
  int64_t sound_lost = 0;                               ///< coded frames
};

outage all_workers_away(milliseconds away, std::vector<std::string> flags) {
  bench::live_source source{live_file(), {{"/live.ts", {}}}};
  cluster c{{{{"a", source.url("/live.ts"), false}}, std::move(flags), {}}};
  c.start({"w1", "w2", "w3"});
  std::array<bench::failover_client, 2> clients{bench::failover_client{c.watch_url("a", "small")},
                                                bench::failover_client{c.watch_url("a", "small")}};
  auto newest = [&clients] { return std::min(clients[0].newest(), clients[1].newest()); };
  c.wait_until(
    "both clients are two seconds in", [&] { return newest() >= 2 * live_gop; }, milliseconds{20'000});
  for (auto worker : {"w1", "w2", "w3"})
    kill_with_tasks(c, worker);
  auto back = clock::now() + away;
  c.wait_until("nobody is there for a while", [&] { return clock::now() >= back; });
  c.start_worker("w1");
  // One second more than the source has sent meanwhile: after that, the fault has no more effect.
  auto enough = newest() + live_gop * (away / milliseconds{1'000} + 1);
  c.wait_until(
    "both clients go on", [&] { return newest() >= enough; }, milliseconds{30'000});
  outage result;
  auto variant = c.variant("a", "small");
  result.frames_lost = count(variant, "frames_lost");
  result.sound_lost = count(variant, "sound_lost");
  BOOST_TEST(text(variant, "last_failover") == "lost");
  c.wait_until("the metrics state the loss",
               [&] { return metric(c, "troupe_lost_frames_total") == static_cast<double>(result.frames_lost); });
  for (size_t i = 0; i < clients.size(); ++i)
    result.seen[i] = clients[i].finish();
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(five_seconds_without_workers_cost_nothing) {
  auto x = all_workers_away(milliseconds{5'000}, {});
  BOOST_TEST(x.frames_lost == 0);
  BOOST_TEST(x.sound_lost == 0);
  for (auto& parts : x.seen) {
    BOOST_REQUIRE(parts.size() == 1u);
    auto account = bench::account_of(parts.front(), live_rate);
    BOOST_TEST(account.exact());
    BOOST_TEST(account.decode_errors == 0u);
    BOOST_TEST(account.marks > 0u);
  }
}

BOOST_AUTO_TEST_CASE(what_the_source_buffer_does_not_hold_is_lost_and_counted) {
  auto x = all_workers_away(milliseconds{3'000}, {"--live.source_buffer_duration=1s"});
  BOOST_TEST(x.frames_lost > 0);
  BOOST_TEST(x.sound_lost > 0);
  BOOST_TEST_MESSAGE(x.frames_lost << " pictures and " << x.sound_lost << " frames of sound are stated to be lost");
  for (auto& parts : x.seen) {
    BOOST_REQUIRE(parts.size() == 1u);
    auto account = bench::account_of(parts.front(), live_rate);
    BOOST_TEST(account.frames_lost == static_cast<uint64_t>(x.frames_lost));
    auto silent = x.sound_lost - static_cast<int64_t>(account.audio_samples_lost) / sound_frame;
    BOOST_TEST((silent >= 0 && silent <= beginning_frames), silent);
    BOOST_TEST(account.frames_repeated == 0u);
    BOOST_TEST(account.audio_samples_repeated == 0u);
    BOOST_TEST(account.frames_out_of_order == 0u);
    BOOST_TEST(account.frames_misplaced == 0u);
    BOOST_TEST(account.disconnects == 0u);
    auto holes = 0;
    auto& frames = parts.front().frames;
    for (size_t i = 1; i < frames.size(); ++i) {
      BOOST_REQUIRE(frames[i].number.has_value());
      if (*frames[i].number == *frames[i - 1].number + 1)
        continue;
      ++holes;
      BOOST_TEST(*frames[i].number % live_gop == 0, "goes on with picture " << *frames[i].number);
    }
    BOOST_TEST(holes == 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
