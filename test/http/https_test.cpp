// Goal: over HTTPS everything is served as over HTTP; hostile clients and broken certificates harm nobody else. Method:
// the real server, with certificates that the test makes; clients with OpenSSL over raw sockets.
#include "base/secret.hpp"
#include "http/door.hpp"
#include "https_server.hpp"
#include "tls_client.hpp"

#include <chrono>
#include <fstream>
#include <iterator>
#include <list>

using namespace troupe;
using namespace troupe::http;
using namespace std::chrono_literals;

namespace https_test {
namespace {

constexpr size_t mebibyte = 1 << 20;

std::string content(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace
} // namespace https_test

BOOST_FIXTURE_TEST_SUITE(https_test, https_server)

BOOST_AUTO_TEST_CASE(a_client_that_trusts_the_authority_is_served) {
  begin();
  tls_client c{port(), first_chain.authority, {.protocols = std::string{"\x05other\x08http/1.1"}}};
  BOOST_REQUIRE(c.greet());
  BOOST_TEST(c.version() == "TLSv1.3");
  BOOST_TEST(c.protocol() == "http/1.1");
  // One connection serves many requests.
  for (int i = 0; i < 3; ++i) {
    auto said = c.ask("GET", "/api/v1/daemons", bearer(first.value()));
    BOOST_TEST(said.starts_with("HTTP/1.1 200 "));
    BOOST_TEST(says(said, "alpha"));
  }
  BOOST_TEST(c.ask("GET", "/api/v1/daemons").starts_with("HTTP/1.1 401 "));
  BOOST_TEST(ask("GET", "/healthz").status == 200);
}

BOOST_AUTO_TEST_CASE(the_end_of_an_answer_is_the_end_of_tls) {
  begin();
  auto c = guest();
  c->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  bool well = false;
  BOOST_TEST(c->read_all(&well).starts_with("HTTP/1.1 200 "));
  BOOST_TEST(well);
}

BOOST_AUTO_TEST_CASE(clients_that_ask_for_something_else_are_refused) {
  begin();
  auto greets = [this](const tls_client::wishes& x) { return tls_client{port(), first_chain.authority, x}.greet(); };
  BOOST_TEST(greets({.version_max = TLS1_2_VERSION}));
  BOOST_TEST(!greets({.version_max = TLS1_1_VERSION}));
  BOOST_TEST(!greets({.protocols = std::string{"\x05other"}}));
  BOOST_TEST(!greets({.host = "other.example"}));
  BOOST_TEST(!guest_of(test_chain{}.authority));
  // Neither HTTP without TLS nor anything else gets an answer.
  client plain{port()};
  plain.get("/healthz");
  BOOST_TEST(!says(plain.read_all(), "HTTP"));
}

BOOST_AUTO_TEST_CASE(a_slow_handshake_ends_and_delays_nobody) {
  config.header_timeout = 1s;
  begin();
  client silent{port()};
  client slow{port()};
  slow.send(std::string_view{"\x16\x03\x01\x02\x00\x01", 6}); // the beginning of a greeting
  BOOST_TEST(guest()->ask("GET", "/healthz").starts_with("HTTP/1.1 200 "));
  BOOST_TEST(silent.read_all().empty());
  BOOST_TEST(slow.read_all().empty());
}

BOOST_AUTO_TEST_CASE(handshakes_are_counted_as_connections_are) {
  config.connections_max = 8;
  config.header_timeout = 5s;
  begin();
  std::list<client> silent;
  for (int i = 0; i < 9; ++i)
    silent.emplace_back(port());
  // One more than the limit is still greeted, so that it could be told; the next one is closed at once.
  client last{port()};
  BOOST_TEST(last.read_all().empty());
  BOOST_TEST(!silent.front().waits(0ms));
  // Clients without TLS have places of their own.
  BOOST_TEST(ask("GET", "/healthz").status == 200);
}

BOOST_AUTO_TEST_CASE(a_new_certificate_is_served_without_a_restart) {
  begin();
  auto old = guest();
  test_chain second;
  put(second.server);
  BOOST_TEST(reached([&] { return guest_of(second.authority) != nullptr; }));
  BOOST_TEST(!guest_of(first_chain.authority));
  // Who was connected stays.
  BOOST_TEST(old->ask("GET", "/healthz").starts_with("HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(a_broken_certificate_changes_nothing) {
  begin();
  test_chain second;
  for (auto& broken :
       {std::string{}, second.server.substr(0, 600), first_chain.server.substr(0, 400) + second.server}) {
    put(broken);
    // The server looks at the file while clients come.
    for (int i = 0; i < 20; ++i)
      BOOST_REQUIRE(guest_of(first_chain.authority));
  }
  put(second.server);
  BOOST_TEST(reached([&] { return guest_of(second.authority) != nullptr; }));
}

BOOST_AUTO_TEST_CASE(a_channel_comes_through_whole_and_a_client_that_leaves_is_noticed) {
  config.threads = 2;
  core::client_ring::limits limits;
  limits.bytes_max = 8 * mebibyte;
  cluster->run(limits);
  begin();
  auto c = guest();
  auto may = bearer(key(core::role::watch));
  c->send("GET /live/demo/h264.ts HTTP/1.0\r\nHost: localhost\r\n" + may + "\r\n");
  BOOST_REQUIRE(reached([&] { return cluster->stream->count().clients == 1; }));
  auto all = random_bytes(3 * mebibyte);
  push(all);
  BOOST_TEST(c->response().starts_with("HTTP/1.0 200 "));
  BOOST_TEST((c->read_bytes(all.size()) == all));
  c->close();
  BOOST_TEST(reached([&] { return cluster->stream->count().clients == 0; }));
}

BOOST_AUTO_TEST_CASE(a_proxys_header_comes_before_tls) {
  config.proxy_protocol = "required";
  config.trusted_proxies = {"127.0.0.1/32"};
  config.trust_loopback = "always";
  begin();
  tls_client c{port(), first_chain.authority, {.before = "PROXY TCP4 127.0.0.1 127.0.0.1 4711 443\r\n"}};
  BOOST_REQUIRE(c.greet());
  BOOST_TEST(c.ask("GET", "/api/v1/daemons", bearer(first.value())).starts_with("HTTP/1.1 200 "));
  BOOST_TEST(c.ask("GET", "/api/v1/daemons").starts_with("HTTP/1.1 401 "));
  BOOST_TEST(!guest_of(first_chain.authority));
}

BOOST_AUTO_TEST_CASE(files_go_both_ways) {
  auto source = random_bytes(3 * mebibyte + 17);
  auto may = bearer(open_job(source));
  begin();
  auto below = "/api/v1/jobs/" + job;
  auto got = guest()->ask("GET", below + "/source", may);
  BOOST_TEST(got.starts_with("HTTP/1.1 200 "));
  BOOST_TEST(got.ends_with(source));
  auto length = "Upload-Length: " + std::to_string(source.size()) + "\r\n";
  auto sender = guest();
  sender->send("PATCH " + below + "/chunks/4?attempt=1.7 HTTP/1.1\r\nHost: localhost\r\n" + may + length
               + "Upload-Offset: 0\r\nContent-Length: " + std::to_string(source.size()) + "\r\n\r\n");
  BOOST_TEST(sender->send(source));
  BOOST_TEST(says(sender->response(), "Upload-Offset: " + std::to_string(source.size())));
  auto sum = "Upload-Checksum: sha256 " + base::sha256_of(source) + "\r\n";
  BOOST_TEST(guest()->ask("PUT", below + "/chunks/4?attempt=1.7", may + length + sum).starts_with("HTTP/1.1 20"));
  BOOST_TEST((content(chunk_file()) == source));
}

BOOST_AUTO_TEST_CASE(a_browsers_session_belongs_to_this_host_alone) {
  begin();
  auto c = guest();
  auto made = c->ask("POST", "/api/v1/session", bearer(first.value()) + "Origin: https://localhost\r\n");
  BOOST_TEST(says(made, "Set-Cookie: __Host-troupe="));
  BOOST_TEST(says(made, "; Secure\r\n"));
  auto begins = made.find("__Host-troupe=");
  auto cookie = "Cookie: " + made.substr(begins, made.find(';', begins) - begins) + "\r\n";
  BOOST_TEST(c->ask("GET", "/api/v1/daemons", cookie).starts_with("HTTP/1.1 200 "));
  // Without TLS the cookie is worth nothing.
  BOOST_TEST(ask("GET", "/api/v1/daemons", cookie).status == 401);
}

BOOST_AUTO_TEST_CASE(browsers_learn_what_pages_may_do_and_that_the_host_has_https) {
  config.hosts = {"box.example"};
  begin();
  auto c = guest();
  constexpr std::string_view pin = "Strict-Transport-Security: max-age=31536000\r\n";
  auto here = c->ask("GET", "/healthz");
  BOOST_TEST(says(here, "Content-Security-Policy: default-src 'none'; script-src 'self'; "));
  BOOST_TEST(says(here, "frame-ancestors 'none'"));
  BOOST_TEST(says(here, "X-Content-Type-Options: nosniff\r\n"));
  BOOST_TEST(says(here, "Referrer-Policy: no-referrer\r\n"));
  // Other programs on this machine may serve other ports of "localhost" without TLS.
  BOOST_TEST(!says(here, pin));
  c->send("GET /healthz HTTP/1.1\r\nHost: box.example\r\n\r\n");
  BOOST_TEST(says(c->response(), pin));
  auto plain = ask("GET", "/healthz");
  BOOST_TEST(plain.has("Content-Security-Policy: default-src 'none'; "));
  BOOST_TEST(!plain.has(pin));
}

BOOST_AUTO_TEST_CASE(each_client_has_only_so_many_connections_with_and_without_tls) {
  config.connections_per_client = 2;
  begin();
  auto one = guest();
  client two{web->port()};
  two.get("/healthz");
  BOOST_TEST(two.read_response().status == 200);
  // A third takes the place of one without a request.
  BOOST_TEST(guest()->ask("GET", "/healthz").starts_with("HTTP/1.1 200 "));
  tls_client other{port(), first_chain.authority, {.from = INADDR_LOOPBACK + 1}};
  BOOST_REQUIRE(other.greet());
  BOOST_TEST(other.ask("GET", "/healthz").starts_with("HTTP/1.1 200 "));
}

BOOST_AUTO_TEST_CASE(what_needs_a_key_is_sent_to_https_unless_nobody_else_can_read_it) {
  config.trusted_proxies = {"192.0.2.9"};
  auto asked = [this](const char* from, core::need what, verb method = verb::get, const char* token = "",
                      const char* host = "box.example:8080") {
    door x{config};
    x.send_to(8443);
    request of;
    of.method = method;
    of.target = "/api/v1/jobs?limit=5";
    of.path = {"api", "v1", "jobs"};
    of.address_token = token;
    boost::beast::http::fields header;
    header.set(boost::beast::http::field::host, host);
    x.place(of, core::parse_address(from).value(), header);
    auto refused = x.check(of, what, "/api/v1/jobs", header, http::clock::now());
    return refused.value_or(reply{});
  };
  auto location = [](const reply& x) {
    for (auto& [name, value] : x.fields)
      if (name == "Location")
        return value;
    return std::string{};
  };
  using enum core::need;
  auto moved = asked("192.0.2.1", viewer);
  BOOST_TEST((moved.code == status::permanent_redirect));
  BOOST_TEST(location(moved) == "https://box.example:8443/api/v1/jobs?limit=5");
  BOOST_TEST(location(asked("192.0.2.1", viewer, verb::get, "", "[2001:db8::1]"))
             == "https://[2001:db8::1]:8443/api/v1/jobs?limit=5");
  BOOST_TEST(location(asked("192.0.2.1", channel)) == "https://box.example:8443/api/v1/jobs?limit=5");
  // A change is not repeated by itself: its sender is to learn that others could read it.
  auto refused = asked("192.0.2.1", admin, verb::post);
  BOOST_TEST((refused.code == status::forbidden));
  BOOST_TEST(says(refused.body, "https://box.example:8443"));
  BOOST_TEST((asked("192.0.2.1", nothing).code == status::ok));
  BOOST_TEST((asked("192.0.2.1", ticket).code == status::ok));
  BOOST_TEST((asked("192.0.2.1", channel, verb::get, "token").code == status::unauthorized));
  BOOST_TEST((asked("127.0.0.1", viewer).code == status::unauthorized));
  BOOST_TEST((asked("192.0.2.9", viewer).code == status::unauthorized));
  config.open_channels = true;
  BOOST_TEST((asked("192.0.2.1", channel).code == status::ok));
}

BOOST_AUTO_TEST_CASE(a_server_stops_soon_whatever_its_clients_do) {
  config.stop_timeout = 3s;
  cluster->run();
  begin();
  auto idle = guest();
  client silent{port()};
  auto watches = guest();
  watches->send("GET /live/demo/h264.ts HTTP/1.1\r\nHost: localhost\r\n" + bearer(first.value()) + "\r\n");
  BOOST_TEST(reached([&] { return cluster->stream->count().clients == 1; }));
  shared_bytes::container bytes(1000);
  cluster->stream->push({shared_bytes{std::move(bytes)}, true, 3600});
  BOOST_TEST(watches->response().starts_with("HTTP/1.1 200 "));
  web->stop();
  BOOST_TEST(idle->read_all().empty());
  BOOST_TEST(silent.read_all().empty());
  BOOST_TEST(watches->read_all().ends_with("0\r\n\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()
