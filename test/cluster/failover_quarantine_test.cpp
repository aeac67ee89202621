// Goal: media that kills its transcoders is given up after a configured number of deaths, with the reason in the API.
// Other channels are not affected.
// Method: the workers run a program whose transcoders die at a certain picture of one channel. Another channel
// with the same source is watched all the time.
#include "rig/failover_client.hpp"
#include "test/cluster/failover.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace troupe::test;
namespace bench = troupe::bench;

BOOST_AUTO_TEST_SUITE(failover_quarantine_test)

namespace {

constexpr size_t deaths_allowed = 2;

/// The worker of each failed task of the channel.
std::multiset<std::string> failed(const cluster& c, const std::string& channel) {
  std::multiset<std::string> result;
  for (auto& d : c.daemons())
    for (auto& x : list(d.get_object(), "ended"))
      if (text(x.get_object(), "channel") == channel && !text(x.get_object(), "reason").empty())
        result.insert(text(d.get_object(), "name"));
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_channel_that_kills_its_tasks_is_given_up_and_the_others_go_on) {
  bench::live_source source{live_file(), {{"/poisonous.ts", {}}, {"/good.ts", {}}}};
  cluster c{{{{"poisonous", source.url("/poisonous.ts"), false}, {"good", source.url("/good.ts"), false}},
             {"--live.quarantine_after=" + std::to_string(deaths_allowed)},
             {},
             TROUPE_BINARY_DIR "/bin/faulty-node"}};
  c.start({"w1", "w2", "w3"});
  bench::failover_client good{c.watch_url("good", "small")};
  c.wait_until(
    "the good channel runs", [&] { return good.newest() >= live_gop; }, milliseconds{20'000});
  auto doomed = c.watch("poisonous", "small");
  (void)doomed.read_all(scaled(milliseconds{30'000}));
  BOOST_TEST(doomed.closed());
  BOOST_TEST(!doomed.complete()); // its client can tell this from a regular end
  // Later clients are told why: at once, or after the session that gave the rendition up has ended.
  http_answer answer;
  c.wait_until("it is refused", [&] { return (answer = c.get("/live/poisonous/small.ts")).status != 503; });
  BOOST_TEST(answer.status == 502);
  BOOST_TEST(answer.body.find("quarantined: 2 tasks in a row failed at the same place of poisonous/small")
             != std::string::npos);
  c.wait_until("the poisonous channel has ended", [&] { return c.session("poisonous").empty(); });
  BOOST_TEST(metric(c, "troupe_given_up_total") == 1);
  BOOST_TEST(c.get("/api/v1/channels").body.find("\"quarantined\":[{\"profile\":\"small\"") != std::string::npos);
  BOOST_TEST(c.node("coordinator").output().find("a rendition is quarantined") != std::string::npos);

  auto enough = good.newest() + 2 * live_gop;
  c.wait_until("the good channel goes on", [&] { return good.newest() >= enough; });
  BOOST_TEST(count(c.variant("good", "small"), "failovers") == 0);
  auto parts = good.finish();
  BOOST_REQUIRE(parts.size() == 1u);
  BOOST_TEST(bench::account_of(parts.front(), live_rate).exact());
  // No more tasks died than allowed, and each of them ran on another worker.
  std::multiset<std::string> dead;
  c.wait_until("all deaths are known", [&] { return (dead = failed(c, "poisonous")).size() >= deaths_allowed; });
  BOOST_TEST(dead.size() == deaths_allowed);
  BOOST_TEST(std::set<std::string>(dead.begin(), dead.end()).size() == deaths_allowed);
}

BOOST_AUTO_TEST_SUITE_END()
