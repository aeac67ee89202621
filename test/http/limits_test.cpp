// Clients beyond the limits: too long, too large, too slow, too many, or not HTTP. Each gets a clear answer, and the
// server continues to serve others.
#include "client.hpp"
#include "dummy_gateway.hpp"
#include "http/server.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace troupe;
using namespace troupe::http;

namespace limits_test {
namespace {

struct fixture : type_registration {
  fixture() {
    config.listen.port = 0;
    config.header_timeout = std::chrono::milliseconds{300};
    config.idle_timeout = std::chrono::milliseconds{300};
    config.ask_timeout = std::chrono::milliseconds{300};
    config.connections_max = 8;
    config.body_bytes_max = 1000;
    config.log = [](const access_record&) {};
    auto started = server::start(config, system, spawn_dummy_gateway(system, cluster));
    if (!started)
      BOOST_FAIL(started.error());
    web = std::move(*started);
  }

  ~fixture() {
    BOOST_TEST(alive());
  }

  bool alive() {
    client c{web->port()};
    c.get("/healthz", "Connection: close\r\n");
    return c.read_response().status == 200;
  }

  int status_of(std::string_view bytes) {
    client c{web->port()};
    c.send(bytes);
    return c.read_response().status;
  }

  dummy_cluster_ptr cluster = std::make_shared<dummy_cluster>();
  caf::actor_system_config system_config;
  caf::actor_system system{system_config};
  server_config config;
  std::unique_ptr<server> web;
};

std::string request_of(const std::string& more) {
  return "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}

} // namespace
} // namespace limits_test

BOOST_FIXTURE_TEST_SUITE(limits_test, fixture)

BOOST_AUTO_TEST_CASE(a_path_of_100_000_characters_is_a_414) {
  BOOST_TEST(status_of("GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n") == 414);
  BOOST_TEST(status_of("GET /" + std::string(5000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n") == 414);
}

BOOST_AUTO_TEST_CASE(a_header_of_a_megabyte_is_a_431) {
  BOOST_TEST(status_of(request_of("X: " + std::string(1 << 20, 'a') + "\r\n")) == 431);
  std::string many;
  for (int i = 0; i < 20'000; ++i)
    many += "X-" + std::to_string(i) + ": y\r\n";
  BOOST_TEST(status_of(request_of(many)) == 431);
}

BOOST_AUTO_TEST_CASE(a_body_over_the_limit_is_a_413) {
  auto post = [](size_t announced, size_t sent) {
    return "POST /api/v1/daemons/a/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(announced)
           + "\r\n\r\n" + std::string(sent, 'x');
  };
  BOOST_TEST(status_of(post(1'000'000'000, 0)) == 413);
  BOOST_TEST(status_of(post(1001, 1001)) == 413);
  BOOST_TEST(status_of(post(1000, 1000)) == 404);
  BOOST_TEST(
    status_of("POST /api/v1/daemons/a/drain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"
              + std::string(0xffff, 'x'))
    == 413);
}

BOOST_AUTO_TEST_CASE(a_header_that_trickles_in_is_a_408) {
  client c{web->port()};
  c.send("GET /healthz HT");
  BOOST_TEST(c.read_response().status == 408);
  BOOST_TEST(c.read_all().empty());
}

BOOST_AUTO_TEST_CASE(a_body_that_does_not_come_is_a_408) {
  BOOST_TEST(status_of("POST /api/v1/daemons/a/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
             == 408);
}

BOOST_AUTO_TEST_CASE(a_connection_without_requests_is_closed) {
  client silent{web->port()};
  client idle{web->port()};
  idle.get("/healthz");
  BOOST_TEST(idle.read_response().status == 200);
  BOOST_TEST(idle.read_all().empty());
  BOOST_TEST(silent.read_all().empty());
}

BOOST_AUTO_TEST_CASE(one_connection_too_many_is_a_503) {
  // Each has begun a request, so it does not count as idle.
  std::vector<client> held;
  for (int i = 0; i < 8; ++i) {
    held.emplace_back(web->port());
    held.back().get("/healthz");
    BOOST_TEST(held.back().read_response().status == 200);
    held.back().send(
      "POST /api/v1/daemons/a/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    BOOST_TEST(held.back().read_head().status == 100);
  }
  client extra{web->port()};
  extra.get("/healthz");
  auto x = extra.read_response();
  BOOST_TEST(x.status == 503);
  BOOST_TEST(x.has("Retry-After"));
  for (auto& c : held)
    c.read_all();
  extra.close();
  while (!alive()) {
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_http_is_a_400) {
  BOOST_TEST(status_of("\x16\x03\x01\x02\x01\x01\xfc\x03\x03 and so on\r\n\r\n") == 400);
  BOOST_TEST(status_of("GET\r\n\r\n") == 400);
  BOOST_TEST(status_of("GET /healthz HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n") == 400);
  BOOST_TEST(status_of("GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n") == 400);
  BOOST_TEST(status_of("GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n") == 400);
  BOOST_TEST(status_of("GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") == 400);
  BOOST_TEST(status_of("GET /healthz HTTP/7.3\r\nHost: localhost\r\n\r\n") == 505);
  BOOST_TEST(
    status_of(
      "POST /api/v1/daemons/a/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    == 400);
}

BOOST_AUTO_TEST_CASE(a_body_whose_end_is_a_matter_of_opinion_ends_the_connection) {
  // One HTTP parser would take the bytes after the head for the next request, another one for the body.
  auto said = [this](const std::string& fields, const std::string& version = "1.1") {
    client c{web->port()};
    c.send("POST /api/v1/daemons/a/drain HTTP/" + version + "\r\nHost: localhost\r\n" + fields + "\r\n0\r\n\r\n"
           + request_of({}));
    auto x = c.read_response();
    BOOST_TEST(x.has("Connection: close"));
    BOOST_TEST(c.read_all().empty());
    return x.status;
  };
  BOOST_TEST(said("Transfer-Encoding: xchunked\r\n") == 400);
  BOOST_TEST(said("Transfer-Encoding: chunked, identity\r\n") == 400);
  BOOST_TEST(said("Transfer-Encoding: identity\r\n") == 400);
  BOOST_TEST(said("Transfer-Encoding:\r\n") == 400);
  BOOST_TEST(said("Transfer-Encoding: \"chunked\"\r\n") == 400);
  BOOST_TEST(said("Transfer-Encoding: chunked;q=1\r\n") == 501);
  BOOST_TEST(said("Transfer-Encoding: gzip, chunked\r\n") == 501);
  BOOST_TEST(said("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") == 400);
  BOOST_TEST(said("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n") == 400);
}

BOOST_AUTO_TEST_CASE(empty_lines_before_a_request_mean_nothing) {
  client c{web->port()};
  c.send("\r\n" + request_of({}));
  BOOST_TEST(c.read_response().status == 200);
  c.send("\r\n\r");
  c.send("\n" + request_of({}) + "\r\n" + request_of({}));
  BOOST_TEST(c.read_response().status == 200);
  BOOST_TEST(c.read_response().status == 200);
  BOOST_TEST(status_of("\n" + request_of({})) == 400);
  BOOST_TEST(status_of("\rGET / HTTP/1.1\r\n\r\n") == 400);
}

BOOST_AUTO_TEST_CASE(dots_and_slashes_in_a_path_lead_nowhere) {
  BOOST_TEST(status_of("GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n") == 404);
  BOOST_TEST(status_of("GET /live/..%2f..%2fetc/passwd.ts HTTP/1.1\r\nHost: localhost\r\n\r\n") == 404);
  BOOST_TEST(status_of("GET //localhost//healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") >= 400);
}

BOOST_AUTO_TEST_CASE(a_client_that_waits_for_100_continue_gets_it) {
  client c{web->port()};
  c.send(
    "POST /api/v1/daemons/a/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  BOOST_TEST(c.read_head().status == 100);
  c.send("{}");
  BOOST_TEST(c.read_response().status == 404);
}

// Bytes of requests are changed, removed, inserted or repeated at random, from a fixed seed: no other client notices.
BOOST_AUTO_TEST_CASE(garbage_harms_nobody) {
  std::mt19937 random{4711};
  auto pick = [&random](size_t n) { return std::uniform_int_distribution<size_t>{0, n - 1}(random); };
  const std::string seeds[] = {
    request_of("X-Request-Id: abc\r\n"),
    "POST /api/v1/daemons/a/drain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET /live/demo/h264.ts HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-\r\n\r\n",
  };
  for (int i = 0; i < 300; ++i) {
    auto bytes = seeds[pick(3)];
    for (auto n = 1 + pick(8); n > 0; --n) {
      auto at = pick(bytes.size());
      switch (pick(4)) {
      case 0:
        bytes[at] = static_cast<char>(pick(256));
        break;
      case 1:
        bytes.erase(at, 1 + pick(4));
        break;
      case 2:
        bytes.insert(at, 1 + pick(16), static_cast<char>(pick(256)));
        break;
      default:
        bytes.insert(at, bytes.substr(pick(bytes.size()), pick(64)));
      }
      if (bytes.empty())
        bytes = "\r\n";
    }
    client c{web->port()};
    c.send(bytes);
  }
  while (!alive()) {
  }
}

BOOST_AUTO_TEST_CASE(an_address_that_is_taken_or_none_is_an_error_that_says_so) {
  auto again = config;
  again.listen.port = web->port();
  auto taken = server::start(again, system, spawn_dummy_gateway(system, cluster));
  BOOST_REQUIRE(!taken.has_value());
  BOOST_TEST(taken.error().find(std::to_string(web->port())) != std::string::npos);
  again.listen.host = "not an address";
  BOOST_TEST(!server::start(again, system, spawn_dummy_gateway(system, cluster)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
