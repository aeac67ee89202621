// Goal: over HTTP/2 everything is served as over HTTP/1.1, many requests share a connection without delaying one
// another, and a hostile client loses its connection and nothing else. Method: the real server; clients by nghttp2, and
// by frames that no client should send.
#include "http/http2_head.hpp"
#include "http2_client.hpp"
#include "https_server.hpp"

#include "base/secret.hpp"

#include <chrono>
#include <deque>
#include <fstream>
#include <iterator>

using namespace troupe;
using namespace troupe::http;
using namespace std::chrono_literals;

namespace http2_test {
namespace {

constexpr size_t mebibyte = 1 << 20;

struct fixture : https_server {
  http2_client connect(const http2_client::wishes& x = {}) {
    return {port(), first_chain.authority, x};
  }

  /// The connection of a client that sends any frames.
  raw_http2_client raw(const std::string& settings = {}) {
    return {port(), first_chain.authority, settings};
  }

  http2_client::fields may() const {
    return {{"authorization", "Bearer " + first.value()}};
  }

  size_t viewers() const {
    return cluster->stream->count().clients;
  }

  /// A rendition that keeps 8 MiB for slow clients.
  void run_channel() {
    core::client_ring::limits limits;
    limits.bytes_max = 8 * mebibyte;
    cluster->run(limits);
  }

  /// Others are served as if nothing had happened.
  void check_that_others_are_served() {
    BOOST_TEST(connect().get("/healthz").status == "200");
    BOOST_TEST(ask("GET", "/healthz").status == 200);
  }
};

/// A setting (RFC 9113, 6.5.1).
std::string setting(char name, uint32_t value) {
  return std::string{'\0', name} + raw_frame::number(value);
}

bool has_error(const std::vector<raw_frame>& frames, uint8_t type, uint32_t error) {
  return std::any_of(frames.begin(), frames.end(), [&](auto& x) { return x.type == type && x.error() == error; });
}

} // namespace
} // namespace http2_test

BOOST_FIXTURE_TEST_SUITE(http2_test, fixture)

BOOST_AUTO_TEST_CASE(a_request_becomes_text_and_a_response_fields) {
  request_head x{1000};
  for (auto& [name, value] : http2_client::fields{{":method", "POST"},
                                                  {":scheme", "https"},
                                                  {":path", "/a?b=c"},
                                                  {":authority", "box.example:8443"},
                                                  {"cookie", "a=1"},
                                                  {"te", "trailers"},
                                                  {"accept", "*/*"},
                                                  {"cookie", "b=2"}})
    x.add(name, value);
  const std::string head = "POST /a?b=c HTTP/1.1\r\nHost: box.example:8443\r\nCookie: a=1; b=2\r\n";
  BOOST_TEST(x.text(false) == head + "accept: */*\r\n\r\n");
  BOOST_TEST(x.text(true) == head + "Transfer-Encoding: chunked\r\naccept: */*\r\n\r\n");
  BOOST_TEST(!x.only_reads());
  x.add("host", "box.example:8443");
  BOOST_TEST(x.text(false) == head + "accept: */*\r\n\r\n");
  x.add("host", "other.example");
  BOOST_TEST(x.text(false).find("Host: other.example\r\n") != std::string::npos);
  x.add("content-length", "5");
  BOOST_TEST(x.text(true).find("Transfer-Encoding") == std::string::npos);
  BOOST_TEST(!x.is_too_large());
  x.add("x-long", std::string(1000, 'x'));
  BOOST_TEST(x.is_too_large());
  boost::beast::http::fields said;
  said.set("Content-Type", "text/plain");
  said.set("Connection", "close");
  said.set("Transfer-Encoding", "chunked");
  BOOST_TEST((response_fields(200, said) == field_list{{":status", "200"}, {"content-type", "text/plain"}}));
}

BOOST_AUTO_TEST_CASE(a_client_that_offers_http2_gets_it) {
  begin();
  tls_client both{port(), first_chain.authority, {.protocols = std::string{"\x08http/1.1\x02h2"}}};
  BOOST_REQUIRE(both.greet());
  BOOST_TEST(both.protocol() == "h2");
  auto c = connect();
  for (int i = 0; i < 3; ++i) {
    auto& got = c.get("/api/v1/daemons", may());
    BOOST_TEST(got.status == "200");
    BOOST_TEST(got.error == 0u);
    BOOST_TEST(got.body.find("alpha") != std::string::npos);
    BOOST_TEST(got.fields.at("content-length") == std::to_string(got.body.size()));
    BOOST_TEST(got.fields.count("connection") == 0u);
    BOOST_TEST(got.fields.count("x-request-id") == 1u);
  }
  BOOST_TEST(c.get("/api/v1/daemons").status == "401");
  BOOST_TEST(c.get("/nowhere").status == "404");
  auto& head = c.wait(c.ask("HEAD", "/healthz"));
  BOOST_TEST(head.status == "200");
  BOOST_TEST(head.body.empty());
  BOOST_TEST(!c.farewell().has_value());
}

BOOST_AUTO_TEST_CASE(requests_share_a_connection_and_sockets_that_ended_are_not_missed) {
  config.threads = 2;
  config.idle_timeout = 300ms;
  run_channel();
  begin();
  auto c = connect();
  auto watches = c.ask("GET", "/live/demo/h264.ts", may());
  auto ask_many = [&] {
    std::deque<int32_t> asked;
    for (int i = 0; i < 100; ++i)
      asked.push_back(c.ask("GET", "/api/v1/channels", may()));
    for (auto id : asked) {
      BOOST_TEST(c.wait(id).status == "200");
      BOOST_TEST(c.of(id).body == c.of(asked.front()).body);
    }
  };
  ask_many();
  // The sockets of those requests end: what remains is the viewer, and the client that looks.
  BOOST_TEST(https_server::reached([&] {
    return ask("GET", "/metrics", bearer(first.value())).body.find("\ntroupe_http_connections 2\n")
           != std::string::npos;
  }));
  ask_many();
  BOOST_TEST(!c.of(watches).closed);
}

BOOST_AUTO_TEST_CASE(a_slow_reader_gets_everything_and_delays_no_other_request) {
  run_channel();
  begin();
  auto c = connect({.takes_all = false});
  auto watches = c.ask("GET", "/live/demo/h264.ts", may());
  BOOST_REQUIRE(https_server::reached([&] { return viewers() == 1; }));
  auto all = random_bytes(3 * mebibyte);
  push(all);
  constexpr size_t window = 65'535;
  BOOST_TEST(c.reached([&] { return c.of(watches).body.size() == window; }));
  BOOST_TEST(c.of(watches).status == "200");
  // The connection has a window, too, which this body has used up: a request without a body still gets through.
  BOOST_TEST(c.wait(c.ask("HEAD", "/healthz")).status == "200");
  BOOST_TEST(c.of(watches).body.size() == window);
  while (c.of(watches).body.size() < all.size()) {
    auto before = c.of(watches).body.size();
    c.take(watches);
    BOOST_REQUIRE(c.reached([&] { return c.of(watches).body.size() > before; }));
  }
  BOOST_TEST((c.of(watches).body == all));
}

BOOST_AUTO_TEST_CASE(a_viewer_that_leaves_is_noticed_and_its_connection_goes_on) {
  run_channel();
  begin();
  auto c = connect();
  auto watches = c.ask("GET", "/live/demo/h264.ts", may());
  push(random_bytes(1000));
  BOOST_TEST(c.reached([&] { return c.of(watches).body.size() == 1000; }));
  BOOST_TEST(viewers() == 1u);
  c.reset(watches);
  BOOST_TEST(https_server::reached([&] { return viewers() == 0; }));
  BOOST_TEST(c.get("/healthz").status == "200");
  {
    auto other = connect();
    auto id = other.ask("GET", "/live/demo/h264.ts", may());
    BOOST_TEST(other.reached([&] { return !other.of(id).body.empty(); }));
  }
  BOOST_TEST(https_server::reached([&] { return viewers() == 0; }));
}

BOOST_AUTO_TEST_CASE(files_and_other_bodies_go_both_ways) {
  auto source = random_bytes(3 * mebibyte + 17);
  http2_client::fields ticket{{"authorization", "Bearer " + open_job(source)}};
  begin();
  auto c = connect();
  auto below = "/api/v1/jobs/" + job;
  BOOST_TEST((c.get(below + "/source", ticket).body == source));
  auto length = std::to_string(source.size());
  auto upload = ticket;
  upload.emplace_back("upload-length", length);
  auto patch = upload;
  patch.insert(patch.end(), {{"upload-offset", "0"}, {"content-length", length}});
  auto& sent = c.wait(c.ask("PATCH", below + "/chunks/4?attempt=1.7", patch, source));
  BOOST_TEST(sent.fields.at("upload-offset") == length);
  auto put = upload;
  put.emplace_back("upload-checksum", "sha256 " + base::sha256_of(source));
  BOOST_TEST(c.wait(c.ask("PUT", below + "/chunks/4?attempt=1.7", put)).status.starts_with("20"));
  std::ifstream in{chunk_file(), std::ios::binary};
  std::string written{std::istreambuf_iterator<char>{in}, {}};
  BOOST_TEST((written == source));
  // A body whose length is told by its end alone.
  auto& made = c.wait(c.ask("POST", "/api/v1/keys", may(), R"({"name": "a test", "role": "viewer"})"));
  BOOST_TEST(made.status == "201");
  BOOST_TEST(made.body.find("trp_") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_body_that_nobody_wants_is_not_taken) {
  open_job("a source");
  begin();
  auto c = connect();
  auto path = "/api/v1/jobs/" + job + "/chunks/4?attempt=1.7";
  // Together more than the connection's window.
  for (int i = 0; i < 8; ++i) {
    auto id = c.ask("PATCH", path, {{"upload-offset", "0"}}, random_bytes(2 * mebibyte), true);
    auto& refused = c.wait(id);
    BOOST_TEST(refused.status.starts_with("40"));
    BOOST_TEST(refused.error == 0u);
  }
  // Whoever asks first is told first.
  auto& asked =
    c.wait(c.ask("POST", "/api/v1/keys", {{"authorization", "Bearer wrong"}, {"expect", "100-continue"}}, {}, true));
  BOOST_TEST(asked.announced.empty());
  BOOST_TEST(asked.status == "401");
  auto body = std::string{R"({"name": "a test", "role": "viewer"})"};
  auto fields = may();
  fields.emplace_back("expect", "100-continue");
  auto& made = c.wait(c.ask("POST", "/api/v1/keys", fields, body));
  BOOST_TEST((made.announced == std::vector<std::string>{"100"}));
  BOOST_TEST(made.status == "201");
}

BOOST_AUTO_TEST_CASE(a_browsers_cookie_may_come_in_pieces) {
  begin();
  auto c = connect();
  auto login = may();
  login.emplace_back("origin", "https://localhost");
  auto cookie = c.wait(c.ask("POST", "/api/v1/session", login)).fields.at("set-cookie");
  cookie = cookie.substr(0, cookie.find(';'));
  BOOST_TEST(c.get("/api/v1/daemons", {{"cookie", "other=1"}, {"cookie", cookie}}).status == "200");
  BOOST_TEST(c.get("/api/v1/daemons", {{"cookie", "other=1"}}).status == "401");
}

BOOST_AUTO_TEST_CASE(no_field_can_pose_as_another_one) {
  begin();
  auto key = "Bearer " + first.value();
  const http2_client::fields bad[] = {
    {{"x", "1\r\nauthorization: " + key}},
    {{"x", "1\nauthorization: " + key}},
    {{"x: 1\r\nauthorization", key}},
    {{"x", std::string{"1\0 2", 4}}},
    {{"connection", "upgrade"}},
    {{"transfer-encoding", "chunked"}},
    {{"content-length", "5"}, {"content-length", "6"}},
    {{":path", "/api/v1/daemons"}},
  };
  for (auto& more : bad) {
    auto c = connect({.is_careless = true});
    auto& got = c.get("/api/v1/daemons", more);
    BOOST_TEST(got.status != "200");
    BOOST_TEST(got.error == uint32_t{NGHTTP2_PROTOCOL_ERROR}, more.front().first);
  }
  auto c = connect({.is_careless = true});
  for (auto path : {"/healthz HTTP/1.1\r\nx: 1", "/health z", "healthz"}) {
    auto& got = c.get(path);
    BOOST_TEST((got.error != 0 || got.status == "400"), path);
  }
  // Two hosts, of which one could be the right one.
  auto head = http2_client::fields{
    {":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/healthz"}, {"host", "other"}};
  BOOST_TEST(c.wait(c.ask_as(head)).status == "400");
  BOOST_TEST(c.get("/healthz").status == "200");
  check_that_others_are_served();
}

BOOST_AUTO_TEST_CASE(a_head_that_is_too_large_costs_only_its_request) {
  begin();
  auto c = connect();
  http2_client::fields many;
  for (int i = 0; i < 20; ++i)
    many.emplace_back("x-field-" + std::to_string(i), std::string(1000, 'x'));
  BOOST_TEST(c.get("/healthz", many).status == "431");
  BOOST_TEST(c.get("/" + std::string(5000, 'x')).status == "414");
  BOOST_TEST(c.get("/healthz").status == "200");
}

BOOST_AUTO_TEST_CASE(a_client_that_gives_up_too_many_requests_loses_its_connection) {
  begin();
  auto c = raw();
  std::string all;
  for (uint32_t id = 1; id < 1001; id += 2)
    all += raw_http2_client::request(id).text() + raw_frame{NGHTTP2_RST_STREAM, 0, id, raw_frame::number(0)}.text();
  c.send(all);
  BOOST_TEST(has_error(c.rest(), NGHTTP2_GOAWAY, NGHTTP2_ENHANCE_YOUR_CALM));
  check_that_others_are_served();
}

BOOST_AUTO_TEST_CASE(a_client_that_has_the_server_give_them_up_loses_it_too) {
  begin();
  auto c = raw();
  std::string all;
  // A window beyond the largest possible one is an error of its stream alone.
  constexpr uint32_t largest = 0x7fffffff;
  for (uint32_t id = 1; id < 1001; id += 2)
    all +=
      raw_http2_client::request(id).text() + raw_frame{NGHTTP2_WINDOW_UPDATE, 0, id, raw_frame::number(largest)}.text();
  c.send(all);
  BOOST_TEST(has_error(c.rest(), NGHTTP2_GOAWAY, NGHTTP2_ENHANCE_YOUR_CALM));
  check_that_others_are_served();
}

BOOST_AUTO_TEST_CASE(floods_end_the_connection_and_nothing_else) {
  begin();
  auto head = raw_http2_client::request(1);
  auto open_head = head;
  open_head.flags = NGHTTP2_FLAG_END_HEADERS; // a body follows
  auto half_head = head;
  half_head.flags = NGHTTP2_FLAG_END_STREAM; // more of the head follows
  auto times = [](int n, const raw_frame& x) {
    std::string result;
    for (int i = 0; i < n; ++i)
      result += x.text();
    return result;
  };
  const std::pair<const char*, std::string> floods[] = {
    {"pings", times(3000, {NGHTTP2_PING, 0, 0, std::string(8, 'x')})},
    {"settings", times(3000, {NGHTTP2_SETTINGS, 0, 0, {}})},
    {"priorities", times(3000, {NGHTTP2_PRIORITY, 0, 1, std::string(5, '\0')})},
    {"empty pieces", open_head.text() + times(3000, {NGHTTP2_DATA, 0, 1, {}})},
    {"continuations", half_head.text() + times(100, {NGHTTP2_CONTINUATION, 0, 1, {}})},
    {"a large frame", raw_frame{NGHTTP2_DATA, 0, 1, std::string(100'000, 'x')}.text()},
    {"a frame of a head alone", raw_frame{NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, "x"}.text()},
    {"a broken head", raw_frame{NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, std::string(20, '\xff')}.text()},
  };
  for (auto& [name, all] : floods) {
    auto c = raw();
    c.send(all);
    auto said = c.rest();
    BOOST_TEST(!has_error(said, NGHTTP2_GOAWAY, NGHTTP2_NO_ERROR), name);
    check_that_others_are_served();
  }
  tls_client other{port(), first_chain.authority, {.protocols = std::string{"\x02h2"}}};
  BOOST_REQUIRE(other.greet());
  other.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  BOOST_TEST(other.read_all().find("HTTP/1.1") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(only_so_many_requests_are_open_and_those_that_nobody_takes_end) {
  config.write_timeout = 1s;
  config.idle_timeout = 1s;
  begin();
  auto c = raw(setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0));
  std::string all;
  constexpr uint32_t asked = 140;
  for (uint32_t i = 0; i < asked; ++i)
    all += raw_http2_client::request(2 * i + 1).text();
  c.send(all);
  size_t refused = 0;
  size_t ended = 0;
  auto said = c.rest();
  for (auto& x : said)
    if (x.type == NGHTTP2_RST_STREAM)
      ++(x.error() == NGHTTP2_REFUSED_STREAM ? refused : ended);
  BOOST_TEST(refused == 12u);
  BOOST_TEST(ended == 128u);
  BOOST_TEST(has_error(said, NGHTTP2_GOAWAY, NGHTTP2_NO_ERROR));
}

BOOST_AUTO_TEST_CASE(a_connection_without_a_request_ends) {
  config.header_timeout = 2s; // for the handshake, too
  config.idle_timeout = 300ms;
  begin();
  auto silent = connect();
  auto asks = connect();
  BOOST_TEST(asks.get("/healthz").status == "200");
  auto half = raw();
  auto head = raw_http2_client::request(1);
  head.flags = 0;
  half.send(head.text());
  silent.read_to_end();
  asks.read_to_end();
  BOOST_TEST(silent.farewell().value_or(99) == uint32_t{NGHTTP2_NO_ERROR});
  BOOST_TEST(asks.farewell().value_or(99) == uint32_t{NGHTTP2_NO_ERROR});
  BOOST_TEST(has_error(half.rest(), NGHTTP2_GOAWAY, NGHTTP2_ENHANCE_YOUR_CALM));
}

BOOST_AUTO_TEST_CASE(each_client_has_only_so_many_requests_under_way) {
  config.connections_per_client = 4;
  run_channel();
  begin();
  auto c = connect();
  std::deque<int32_t> watching;
  for (int i = 0; i < 4; ++i)
    watching.push_back(c.ask("GET", "/live/demo/h264.ts", may()));
  push(random_bytes(1000));
  for (auto id : watching)
    BOOST_TEST(c.reached([&] { return !c.of(id).body.empty(); }));
  auto& more = c.get("/healthz");
  BOOST_TEST(more.status == "503");
  BOOST_TEST(more.fields.at("retry-after") == "1");
  auto other = connect({.from = INADDR_LOOPBACK + 1});
  BOOST_TEST(other.get("/healthz").status == "200");
  c.reset(watching.front());
  BOOST_TEST(c.get("/healthz").status == "200");
}

BOOST_AUTO_TEST_CASE(a_connection_too_many_takes_the_place_of_one_without_a_request) {
  config.connections_per_client = 2;
  begin();
  auto one = connect();
  BOOST_TEST(one.get("/healthz").status == "200");
  auto two = connect();
  BOOST_TEST(two.get("/healthz").status == "200");
  BOOST_TEST(connect().get("/healthz").status == "200");
  one.read_to_end();
  BOOST_TEST(one.farewell().value_or(99) == uint32_t{NGHTTP2_NO_ERROR});
}

BOOST_AUTO_TEST_CASE(a_server_that_stops_says_goodbye_and_ends_its_streams_well) {
  config.stop_timeout = 3s;
  run_channel();
  begin();
  auto idle = connect();
  auto c = connect();
  auto watches = c.ask("GET", "/live/demo/h264.ts", may());
  push(random_bytes(1000));
  BOOST_TEST(c.reached([&] { return c.of(watches).body.size() == 1000; }));
  web->stop();
  c.read_to_end();
  BOOST_TEST(c.of(watches).closed);
  BOOST_TEST(c.of(watches).error == 0u);
  BOOST_TEST(c.farewell().value_or(99) == uint32_t{NGHTTP2_NO_ERROR});
  idle.read_to_end();
  BOOST_TEST(idle.farewell().value_or(99) == uint32_t{NGHTTP2_NO_ERROR});
}

BOOST_AUTO_TEST_SUITE_END()
