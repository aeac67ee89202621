// Goal: while a source is away, clients get its last picture in silence, and see neither the way there nor the way
// back. Method: a server is ended and started again on its port, at another place of its stream. Meanwhile the
// transcoder is killed. A client decodes everything; what it got must be one stream without a hole, and the playlist
// must not mention the outage.
#include "rig/failover_client.hpp"
#include "test/cluster/failover.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <optional>
#include <sstream>

#include <signal.h>

using namespace troupe::test;
namespace bench = troupe::bench;

BOOST_AUTO_TEST_SUITE(slate_test)

namespace {

constexpr double picture = 0.04; ///< seconds

/// The source returns with this picture, which it has not sent before.
constexpr int64_t returns_at = 500;

std::string first_address(const std::string& playlist) {
  std::istringstream lines{playlist};
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && line.front() != '#')
      return line;
  return {};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_source_that_leaves_and_returns_is_bridged_even_if_the_transcoder_dies) {
  std::optional<bench::live_source> source{std::in_place, live_file(),
                                           std::map<std::string, bench::live_source::stream>{{"/live.ts", {}}}};
  auto port = source->port();
  cluster c{{{{"a", source->url("/live.ts"), false}}, {}, {}}};
  c.start({"w1", "w2"});
  bench::failover_client client{c.watch_url("a", "small")};
  c.wait_until(
    "the client is two seconds in", [&] { return client.newest() >= 2 * live_gop; }, milliseconds{20'000});

  source.reset();
  c.wait_until("the slate is shown", [&] { return text(c.sessions().at(0), "state") == "slate"; });
  BOOST_TEST(count(c.sessions().at(0), "slate_since_ms") > 0);
  auto worker = text(c.variant("a", "small"), "worker");
  for (auto pid : c.transcodes_of(worker))
    ::kill(pid, SIGKILL);
  c.wait_until("another transcoder makes the slate",
               [&] { return text(c.variant("a", "small"), "last_failover") == "lost"; });
  c.wait_until("pictures come at their pace", [&] { return client.steady(milliseconds{2'000}, 25); });
  auto late = c.watch("a", "small", 10'000);
  BOOST_TEST(client.newest() < returns_at);

  source.emplace(live_file(), std::map<std::string, bench::live_source::stream>{{"/live.ts", {returns_at}}}, port);
  c.wait_until(
    "the source is back", [&] { return client.newest() >= returns_at + 4 * live_gop; }, milliseconds{30'000});
  BOOST_TEST(text(c.sessions().at(0), "state") == "running");
  BOOST_TEST(metric(c, "troupe_session_outages_total{channel=\"a\"}") == 1);
  auto playlist = c.get("/live/a/small/" + first_address(c.get("/live/a/small/index.m3u8").body)).body;
  BOOST_TEST(playlist.find("#EXTINF") != playlist.npos);
  BOOST_TEST(playlist.find("DISCONTINUITY\n") == playlist.npos);
  BOOST_TEST(playlist.find("#EXT-X-GAP") == playlist.npos);

  auto parts = client.finish();
  BOOST_REQUIRE(parts.size() == 1u);
  auto& seen = parts.front();
  BOOST_TEST(seen.decode_errors == 0u);
  BOOST_TEST(seen.dts_violations == 0u);
  size_t stills = 0;
  size_t back = 0;
  uint32_t cut = 0;
  for (size_t i = 1; i < seen.frames.size(); ++i) {
    auto& x = seen.frames[i];
    auto& before = seen.frames[i - 1];
    auto step = x.seconds - before.seconds;
    BOOST_TEST((step > picture / 2 - 0.001 && step < picture * 3 / 2 + 0.001),
               "picture " << i << " comes after " << step);
    BOOST_REQUIRE((x.number && before.number));
    if (*x.number == *before.number)
      ++stills;
    else if (*x.number == *before.number + 1)
      continue;
    else if (*x.number >= returns_at && *before.number < returns_at)
      ++back;
    else // the source left before it had sent the pictures between these two
      cut += *x.number - *before.number - 1;
  }
  BOOST_TEST(cut <= 3u);
  BOOST_TEST(back == 1u);
  BOOST_TEST(stills >= 60u); // more than two seconds
  for (auto gap : seen.audio_gaps)
    BOOST_TEST(std::abs(gap) < 0.022);
  BOOST_TEST_MESSAGE(seen.frames.size() << " pictures, " << stills << " of them stills, " << seen.audio_gaps.size()
                                        << " gaps in the sound");
}

BOOST_AUTO_TEST_SUITE_END()
