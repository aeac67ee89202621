// Too many connections: idle ones make room, no client gets every place, some places are reserved for the API, and all
// bodies together are bounded.
#include "client.hpp"
#include "dummy_gateway.hpp"
#include "http/connections_per_client.hpp"
#include "http/server.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::http;

namespace crowd_test {
namespace {

struct fixture : type_registration {
  fixture() {
    config.listen.port = 0;
    config.connections_max = 8;
    config.log = [](const access_record&) {};
  }

  void start() {
    auto started = server::start(config, system, spawn_dummy_gateway(system, cluster));
    if (!started)
      BOOST_FAIL(started.error());
    web = std::move(*started);
  }

  client::response ask(const std::string& path) {
    client c{web->port()};
    c.get(path);
    return c.read_response();
  }

  /// A client that is connected, got its answer, and requests nothing more.
  client idle(uint32_t from = INADDR_LOOPBACK) {
    client c{web->port(), 0, from};
    c.get("/healthz");
    BOOST_TEST(c.read_response().status == 200);
    return c;
  }

  dummy_cluster_ptr cluster = std::make_shared<dummy_cluster>();
  caf::actor_system_config system_config;
  caf::actor_system system{system_config};
  server_config config;
  std::unique_ptr<server> web;
};

} // namespace
} // namespace crowd_test

BOOST_FIXTURE_TEST_SUITE(crowd_test, fixture)

BOOST_AUTO_TEST_CASE(connections_without_a_request_make_room_the_oldest_first) {
  start();
  auto first = idle();
  std::vector<client> others;
  for (int i = 0; i < 7; ++i)
    others.push_back(idle());
  auto last = idle();
  BOOST_TEST(first.read_all().empty());
  others.front().get("/healthz");
  BOOST_TEST(others.front().read_response().status == 200);
}

BOOST_AUTO_TEST_CASE(streams_leave_places_for_the_api) {
  cluster->run();
  start();
  std::vector<client> watching;
  for (uint32_t i = 0; i < config.streams_max(); ++i) {
    watching.emplace_back(web->port());
    watching.back().get("/live/demo/h264.ts");
    BOOST_TEST(watching.back().read_head().status == 200);
  }
  auto more = ask("/live/demo/h264.ts");
  BOOST_TEST(more.status == 503);
  BOOST_TEST(more.has("Retry-After"));
  BOOST_TEST(ask("/healthz").status == 200);
  watching.pop_back();
  while (ask("/live/demo/none.ts").status == 503) {
  }
}

BOOST_AUTO_TEST_CASE(one_client_has_only_so_many_connections) {
  config.connections_max = 100;
  config.connections_per_client = 4;
  cluster->run();
  start();
  std::vector<client> held;
  for (int i = 0; i < 4; ++i) {
    held.emplace_back(web->port());
    held.back().get("/live/demo/h264.ts");
    BOOST_TEST(held.back().read_head().status == 200);
  }
  auto extra = ask("/healthz");
  BOOST_TEST(extra.status == 503);
  BOOST_TEST(extra.body.find("your address") != std::string::npos);
  held.clear();
  while (ask("/healthz").status != 200) {
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_is_full_makes_room_by_its_own_oldest_connection_without_a_request) {
  config.connections_max = 100;
  config.connections_per_client = 4;
  start();
  std::vector<client> held;
  for (int i = 0; i < 4; ++i)
    held.push_back(idle());
  for (int i = 0; i < 4; ++i)
    BOOST_TEST(ask("/healthz").status == 200);
  auto more = idle();
  BOOST_TEST(held.front().read_all().empty());
  more.get("/healthz");
  BOOST_TEST(more.read_response().status == 200);
}

BOOST_AUTO_TEST_CASE(a_full_client_ends_no_other_clients_connection) {
  config.connections_max = 100;
  config.connections_per_client = 2;
  start();
  auto other = idle(INADDR_LOOPBACK + 1);
  std::vector<client> held;
  for (int i = 0; i < 4; ++i)
    held.push_back(idle());
  other.get("/healthz");
  BOOST_TEST(other.read_response().status == 200);
}

BOOST_AUTO_TEST_CASE(a_clients_places_are_its_own_and_come_back) {
  auto places = std::make_shared<connections_per_client>();
  auto a = places->enter("a", 1);
  BOOST_TEST((a.held != nullptr));
  auto again = places->enter("a", 1);
  BOOST_TEST((again.held == nullptr));
  BOOST_TEST(again.number == 2u);
  BOOST_TEST(places->enter("b", 1).number == 1u);
  a.held.reset();
  BOOST_TEST(places->enter("a", 1).number == 1u);
}

BOOST_AUTO_TEST_CASE(all_bodies_together_have_a_bound) {
  config.body_bytes_max = 1000;
  config.bodies_bytes_max = 2500;
  start();
  auto begin = [this](const std::string& fields) {
    client c{web->port()};
    c.send("POST /api/v1/daemons/a/drain HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    return c;
  };
  // The server waits for the bodies of these requests; "100 Continue" says that there is room for one.
  auto one = begin("Content-Length: 1000\r\nExpect: 100-continue\r\n");
  BOOST_TEST(one.read_head().status == 100);
  auto two = begin("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n");
  BOOST_TEST(two.read_head().status == 100);
  auto three = begin("Content-Length: 1000\r\nExpect: 100-continue\r\n").read_response();
  BOOST_TEST(three.status == 503);
  BOOST_TEST(three.has("Retry-After"));
  one.send(std::string(1000, 'x'));
  BOOST_TEST(one.read_response().status == 404);
  BOOST_TEST(begin("Content-Length: 1000\r\nExpect: 100-continue\r\n").read_head().status == 100);
  two.send("3\r\nabc\r\n0\r\n\r\n");
  BOOST_TEST(two.read_response().status == 404);
}

BOOST_AUTO_TEST_SUITE_END()
