// The PROXY protocol: who the client is, for limits, logs and trust; and headers that are late, wrong or not trusted.
#include "keyed_server.hpp"

using namespace troupe;
using namespace troupe::http;

namespace proxy_test {
namespace {

using namespace std::string_literals;

constexpr uint32_t not_a_proxy = INADDR_LOOPBACK + 1;

std::string line(const std::string& from) {
  return "PROXY TCP4 " + from + " 127.0.0.1 4711 80\r\n";
}

const std::string local = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s;

/// 192.0.2.7, with a field behind it that means nothing to us.
const std::string binary = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x10\xC0\0\x02\x07\x7F\0\0\x01\x12\x34\0\x50\x04\0\x01\0"s;

struct fixture : keyed_server {
  fixture() {
    config.proxy_protocol = "required";
    config.trusted_proxies = {"127.0.0.1/32"};
    config.log = [this](const access_record& x) {
      std::lock_guard guard{cluster->mutex};
      remotes.push_back(x.remote);
    };
  }

  ~fixture() {
    if (web)
      web->stop();
  }

  /// The answer behind a header; status 0 if the connection ends without one.
  client::response through(const std::string& header, const std::string& path = "/healthz",
                           const std::string& fields = {}, uint32_t from = INADDR_LOOPBACK) {
    client c{web->port(), 0, from};
    c.send(header + "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    return c.read_response();
  }

  bool logged(const std::string& remote) {
    std::lock_guard guard{cluster->mutex};
    return std::find(remotes.begin(), remotes.end(), remote) != remotes.end();
  }

  std::vector<std::string> remotes;
};

} // namespace
} // namespace proxy_test

BOOST_FIXTURE_TEST_SUITE(proxy_test, fixture)

BOOST_AUTO_TEST_CASE(the_header_says_who_the_client_is) {
  start();
  BOOST_TEST(through(line("192.0.2.1")).status == 200);
  BOOST_TEST(through(binary).status == 200);
  BOOST_TEST(through("PROXY TCP6 2001:db8::7 ::1 4711 80\r\n").status == 200);
  // Proxies that ask whether the server lives.
  BOOST_TEST(through(local).status == 200);
  BOOST_TEST(through("PROXY UNKNOWN\r\n").status == 200);
  web->stop();
  BOOST_TEST(logged("192.0.2.1:4711"));
  BOOST_TEST(logged("192.0.2.7:4660"));
  BOOST_TEST(logged("[2001:db8::7]:4711"));
}

BOOST_AUTO_TEST_CASE(a_header_may_come_in_pieces_and_with_what_follows) {
  start();
  for (auto& header : {line("192.0.2.1"), binary}) {
    client c{web->port()};
    for (auto byte : header)
      BOOST_TEST(c.send(std::string(1, byte)));
    // One connection serves many requests; only the first has a header before it.
    for (int i = 0; i < 3; ++i) {
      c.get("/healthz");
      BOOST_TEST(c.read_response().status == 200);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_client_behind_the_proxy_has_its_own_limits) {
  config.requests_burst = 20;
  config.requests_per_second = 1;
  start();
  auto refused = [this](const std::string& header, const std::string& fields = {}) {
    int result = 0;
    for (int i = 0; i < 30; ++i)
      result += through(header, "/healthz", fields).status == 429;
    return result;
  };
  BOOST_TEST(refused(line("192.0.2.1")) == 10);
  BOOST_TEST(refused(line("192.0.2.2")) == 10);
  // The client is no proxy, so what it says about itself does not count.
  BOOST_TEST(refused(line("192.0.2.1"), "X-Forwarded-For: 192.0.2.9\r\n") == 30);
}

BOOST_AUTO_TEST_CASE(each_client_behind_the_proxy_has_its_own_connections) {
  config.connections_per_client = 2;
  start();
  auto open = [this](const std::string& header) {
    client c{web->port()};
    c.send(header + "GET /live/demo/none/x.m3u8 HTTP/1.1\r\nHost: localhost\r\n");
    return c;
  };
  // They have sent half of a request, so none of them is idle.
  auto a = open(line("192.0.2.1"));
  auto b = open(line("192.0.2.1"));
  client::response third;
  do
    third = through(line("192.0.2.1"));
  while (third.status == 200);
  BOOST_TEST(third.status == 503);
  BOOST_TEST(through(line("192.0.2.2")).status == 200);
}

BOOST_AUTO_TEST_CASE(nobody_behind_a_proxy_is_this_machines_own_user) {
  config.trust_loopback = "always";
  start();
  BOOST_TEST(through(line("127.0.0.1"), "/api/v1/daemons").status == 401);
  BOOST_TEST(through(local, "/api/v1/daemons").status == 401);
  BOOST_TEST(through(line("192.0.2.1"), "/api/v1/daemons").status == 401);
  BOOST_TEST(through(line("192.0.2.1"), "/api/v1/daemons", bearer(first.value())).status == 200);
  // Who comes without a proxy is.
  BOOST_TEST(through({}, "/api/v1/daemons", {}, not_a_proxy).status == 200);
}

BOOST_AUTO_TEST_CASE(only_trusted_proxies_send_a_header) {
  start();
  BOOST_TEST(through({}, "/healthz", {}, not_a_proxy).status == 200);
  BOOST_TEST(through(line("192.0.2.1"), "/healthz", {}, not_a_proxy).status == 505); // not a version of HTTP
  BOOST_TEST(through(binary, "/healthz", {}, not_a_proxy).status == 400);
}

BOOST_AUTO_TEST_CASE(a_proxy_without_a_good_header_is_not_served) {
  start();
  for (auto& header : {""s, "PROXY TCP4 192.0.2.1\r\n"s, "PROXY "s + std::string(300, 'x'),
                       local.substr(0, 12) + "\x11"s, "\x16\x03\x01\x02\x00"s})
    BOOST_TEST(through(header).status == 0, header);
  BOOST_TEST(through(line("192.0.2.1")).status == 200);
}

BOOST_AUTO_TEST_CASE(a_header_that_does_not_come_ends_the_connection) {
  config.header_timeout = std::chrono::milliseconds{100};
  start();
  for (auto& part : {""s, "PROXY TCP4 192."s, binary.substr(0, 20)}) {
    client c{web->port()};
    c.send(part);
    BOOST_TEST(c.read_all().empty());
  }
}

BOOST_AUTO_TEST_CASE(without_the_option_a_header_is_no_http) {
  config.proxy_protocol = "off";
  start();
  BOOST_TEST(through({}).status == 200);
  BOOST_TEST(through(line("192.0.2.1")).status == 505);
}

BOOST_AUTO_TEST_CASE(the_server_stops_while_it_waits_for_headers) {
  start();
  client silent{web->port()};
  BOOST_TEST(through(line("192.0.2.1")).status == 200);
  web->stop();
  BOOST_TEST(silent.read_all().empty());
}

BOOST_AUTO_TEST_SUITE_END()
