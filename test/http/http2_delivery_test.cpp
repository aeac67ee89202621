// Goal: players of low-latency HLS and DASH get by HTTP/2 what the standards promise: many requests that wait share one
// connection. Method: samples are written to a rendition behind a real server, and nghttp2 asks.
#include "http2_client.hpp"
#include "https_server.hpp"
#include "served_channel.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::http;

namespace http2_delivery_test {
namespace {

struct fixture : served_channel {
  fixture() {
    config.watch_timeout = std::chrono::seconds{10};
    config.tls.listen.port = 0;
    test_chain::put(file, chain.server);
    config.certificate = test_chain::open(file);
    start();
    write_until(2.5);
    viewer = enter();
  }

  test::temporary_folder folder;
  std::string file = folder.path() + "/https.pem";
  test_chain chain;
  std::string viewer;
};

} // namespace
} // namespace http2_delivery_test

BOOST_FIXTURE_TEST_SUITE(http2_delivery_test, fixture)

BOOST_AUTO_TEST_CASE(twenty_reloads_wait_on_one_connection) {
  http2_client c{web->https_port(), chain.authority};
  auto [n, part] = latest();
  auto next = std::to_string(*part + 1);
  std::vector<int32_t> asked;
  for (int i = 0; i < 20; ++i)
    asked.push_back(c.ask("GET", viewer + "v.m3u8?_HLS_msn=" + std::to_string(n) + "&_HLS_part=" + next));
  BOOST_TEST(reached([&] { return out.shared()->waiting() == 20; }));
  // Meanwhile others are answered.
  BOOST_TEST(c.get(viewer + "v.m3u8").status == "200");
  for (auto id : asked)
    BOOST_TEST(c.of(id).status.empty());
  c.reset(asked.back());
  asked.pop_back();
  BOOST_TEST(reached([&] { return out.shared()->waiting() == 19; }));
  write_until(3.2);
  auto line = "v-" + std::to_string(n) + "." + next + ".m4s";
  for (auto id : asked) {
    BOOST_TEST(c.wait(id).status == "200");
    BOOST_TEST(c.of(id).body.find(line) != std::string::npos);
  }
  BOOST_TEST(out.shared()->waiting() == 0u);
}

BOOST_AUTO_TEST_CASE(a_segment_that_is_still_made_comes_part_by_part) {
  http2_client c{web->https_port(), chain.authority};
  auto number = latest().number;
  auto path = viewer + "v-" + std::to_string(number) + ".m4s";
  auto id = c.ask("GET", path);
  BOOST_TEST(c.reached([&] { return !c.of(id).body.empty(); }));
  BOOST_TEST(!c.of(id).closed);
  BOOST_TEST(c.of(id).fields.count("transfer-encoding") == 0u);
  write_until(4.5);
  BOOST_TEST(c.wait(id).error == 0u);
  BOOST_TEST((c.of(id).body == get(path).body));
}

BOOST_AUTO_TEST_SUITE_END()
