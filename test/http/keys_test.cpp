// Who may do what over HTTP: every route with every role and every kind of bad key; this machine's own user; keys,
// sessions and players' addresses from their making to their end.
#include "http/routes.hpp"
#include "keyed_server.hpp"

#include <fstream>
#include <sstream>

using namespace troupe;
using namespace troupe::http;

namespace keys_test {
namespace {

constexpr int64_t hour_ms = 3'600'000;

/// A path that the pattern matches, of the channel "demo" if it names a channel.
std::string path_of(std::string pattern) {
  auto fill = [&pattern](const std::string& what, const std::string& by) {
    for (size_t at; (at = pattern.find(what)) != std::string::npos;)
      pattern.replace(at, what.size(), by);
  };
  if (pattern.starts_with("/live/{}"))
    pattern.replace(6, 2, "demo");
  fill("{*}", "a/b");
  fill("{}", "x");
  if (pattern.find('?') != std::string::npos)
    pattern += "=1";
  return pattern;
}

std::string name_of(verb method) {
  auto text = boost::beast::http::to_string(method);
  return {text.data(), text.size()};
}

/// What each route needs, by the words of the index: in the order of the roles.
const std::vector<std::string> ranks{"watch", "viewer", "operator", "admin"};

size_t rank_of(core::need x) {
  auto found = std::find(ranks.begin(), ranks.end(), to_string(x));
  return static_cast<size_t>(found - ranks.begin());
}

std::string cookie_of(const client::response& x) {
  auto begin = x.head.find("Set-Cookie: ");
  BOOST_REQUIRE(begin != std::string::npos);
  begin += 12;
  return x.head.substr(begin, x.head.find(';', begin) - begin);
}

} // namespace
} // namespace keys_test

BOOST_FIXTURE_TEST_SUITE(keys_test, keyed_server)

BOOST_AUTO_TEST_CASE(every_route_lets_in_those_who_may_and_nobody_else) {
  config.wrong_keys_max = unlimited;
  start();
  std::vector<std::string> good;
  for (auto r : {core::role::watch, core::role::viewer, core::role::operate, core::role::admin})
    good.push_back(key(r));
  auto elsewhere = key(core::role::watch, {"other"});
  auto here = key(core::role::watch, {"demo"});
  auto expired = key(core::role::admin, {}, 1000);
  auto revoked = key(core::role::admin);
  revoke(revoked);
  now += 2000;
  auto fresh = trust::key_ring::fresh_text();
  for (auto& r : routes::table()) {
    auto method = name_of(r.method);
    auto path = path_of(std::string{r.pattern});
    auto status = [&](const std::string& fields) { return ask(method, path, fields + "Connection: close\r\n").status; };
    auto enters = [](int x) { return x != 401 && x != 403 && x != 429 && x != 405 && x != 0; };
    auto what = method + " " + path;
    if (r.needs == core::need::nothing || r.needs == core::need::ticket) {
      for (auto& fields : {std::string{}, bearer(fresh), bearer(expired), bearer(revoked), bearer(good[0])})
        BOOST_TEST(enters(status(fields)), what);
      continue;
    }
    if (r.needs == core::need::join) {
      for (auto& fields : {std::string{}, bearer(good[3]), bearer(expired), bearer(revoked)})
        BOOST_TEST(status(fields) == 401, what);
      continue;
    }
    BOOST_REQUIRE(rank_of(r.needs) < ranks.size());
    BOOST_TEST(status({}) == 401, what);
    BOOST_TEST(status(bearer(expired)) == 401, what);
    BOOST_TEST(status(bearer(revoked)) == 401, what);
    BOOST_TEST(status("Authorization: Basic eDp5\r\n") == 401, what);
    BOOST_TEST(status(bearer(good[3]) + bearer(good[3])) == 401, what);
    for (size_t rank = 0; rank < ranks.size(); ++rank) {
      auto x = status(bearer(good[rank]));
      BOOST_TEST((rank >= rank_of(r.needs) ? enters(x) : x == 403), what << " as " << ranks[rank] << ": " << x);
    }
    auto is_media = r.needs == core::need::channel;
    auto low = rank_of(r.needs) > 0;
    BOOST_TEST((is_media || low ? status(bearer(elsewhere)) == 403 : enters(status(bearer(elsewhere)))), what);
    BOOST_TEST((low ? status(bearer(here)) == 403 : enters(status(bearer(here)))), what);
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_key_opens_no_route) {
  config.wrong_keys_max = unlimited;
  start();
  for (auto& r : routes::table())
    if (r.needs != core::need::nothing && r.needs != core::need::ticket) {
      auto path = path_of(std::string{r.pattern});
      for (auto& wrong : {trust::key_ring::fresh_text(), std::string{"trp_"}, std::string{}, std::string(3000, 'x')})
        BOOST_TEST(ask(name_of(r.method), path, bearer(wrong)).status == 401, path);
    }
}

BOOST_AUTO_TEST_CASE(a_refusal_says_what_is_missing) {
  start();
  auto none = ask("GET", "/api/v1/daemons");
  BOOST_TEST(none.has("WWW-Authenticate: Bearer\r\n"));
  BOOST_TEST(text(none, "code") == "no_key");
  BOOST_TEST(text(none, "detail").find("viewer") != std::string::npos);
  auto low = ask("GET", "/api/v1/keys", bearer(key(core::role::operate)));
  BOOST_TEST(low.has("WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n"));
  BOOST_TEST(text(low, "code") == "role");
  auto ends = key(core::role::viewer, {}, 1000);
  now += 1000;
  auto expired = ask("GET", "/api/v1/daemons", bearer(ends));
  BOOST_TEST(expired.has("WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"));
  BOOST_TEST(text(expired, "code") == "expired_key");
  auto other = ask("GET", "/live/demo/h264.ts", bearer(key(core::role::watch, {"other"})));
  BOOST_TEST(text(other, "code") == "scope");
  BOOST_TEST(other.has("Access-Control-Allow-Origin: *"));
}

BOOST_AUTO_TEST_CASE(the_page_of_the_interface_shows_the_table) {
  start();
  auto index = ask("GET", "/").body;
  std::ifstream file{TROUPE_SOURCE_DIR "/docs/http-api.md"};
  std::ostringstream page;
  page << file.rdbuf();
  auto begin = index.find("GET     /");
  BOOST_REQUIRE(begin != std::string::npos);
  BOOST_TEST(page.str().find(index.substr(begin)) != std::string::npos, "docs/http-api.md must have this text:\n"
                                                                          << index.substr(begin));
}

BOOST_AUTO_TEST_CASE(who_has_no_key_sends_no_body) {
  start();
  client c{web->port()};
  c.send("POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n");
  auto x = c.read_response();
  BOOST_TEST(x.status == 401);
  BOOST_TEST(x.has("Connection: close"));
  client again{web->port()};
  again.get("/api/v1/daemons");
  BOOST_TEST(again.read_response().status == 401);
  again.get("/api/v1/daemons", bearer(first.value()));
  BOOST_TEST(again.read_response().status == 200);
}

BOOST_AUTO_TEST_CASE(this_machine_needs_no_key_until_there_is_a_second_one) {
  config.trust_loopback = "auto";
  config.hosts = {"tv.example.org"};
  start();
  auto status = [this](const std::string& fields) { return ask("GET", "/api/v1/keys", fields).status; };
  BOOST_TEST(status({}) == 200);
  BOOST_TEST(status("Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n") == 200);
  BOOST_TEST(status("Sec-Fetch-Site: none\r\n") == 200);
  // A browser asks for a page of another origin, or a proxy for somebody else.
  for (auto foreign :
       {"Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n", "Origin: https://evil.example\r\n",
        "Origin: null\r\n", "Origin: http://localhost:3000\r\n", "X-Forwarded-For: 127.0.0.1\r\n",
        "Forwarded: for=127.0.0.1\r\n", "Via: 1.1 proxy\r\n", "X-Real-IP: 127.0.0.1\r\n"})
    BOOST_TEST(status(foreign) == 401, foreign);
  BOOST_TEST(status(bearer(trust::key_ring::fresh_text())) == 401);
  client c{web->port()};
  c.send("GET /api/v1/keys HTTP/1.1\r\nHost: tv.example.org\r\n\r\n");
  BOOST_TEST(c.read_response().status == 401);
  BOOST_TEST(ask("GET", "/live/demo/h264.ts", "Origin: https://evil.example\r\n").status == 401);

  auto made = ask("POST", "/api/v1/keys", {}, R"({"name":"second","role":"viewer"})");
  BOOST_TEST(made.status == 201);
  BOOST_TEST(status({}) == 401);
  BOOST_TEST(ask("GET", "/live/demo/h264.ts").status == 401);
  BOOST_TEST(status(bearer(first.value())) == 200);
  config.trust_loopback = "always";
  start();
  BOOST_TEST(status({}) == 200);
}

BOOST_AUTO_TEST_CASE(what_a_trusted_proxy_sends_needs_a_key_even_if_it_names_nobody) {
  config.trust_loopback = "always";
  config.trusted_proxies = {"127.0.0.1"};
  start();
  BOOST_TEST(ask("GET", "/api/v1/keys").status == 401);
  BOOST_TEST(ask("GET", "/api/v1/keys", "X-Forwarded-For: 127.0.0.1\r\n").status == 401);
  BOOST_TEST(ask("GET", "/api/v1/keys", bearer(first.value())).status == 200);
}

BOOST_AUTO_TEST_CASE(open_channels_are_open_and_nothing_else) {
  config.open_channels = true;
  start();
  BOOST_TEST(ask("GET", "/live/demo/h264.ts", "Origin: https://any.example\r\n").status == 503);
  BOOST_TEST(ask("GET", "/live/demo/h264/index.m3u8").status != 401);
  BOOST_TEST(ask("GET", "/api/v1/channels").status == 401);
}

BOOST_AUTO_TEST_CASE(a_key_is_shown_once_and_ends_when_it_is_revoked) {
  start();
  auto admin = bearer(first.value());
  auto made = ask("POST", "/api/v1/keys", admin,
                  R"({"name":"screen","role":"watch","channels":["demo"],"expires_in_ms":3600000})");
  BOOST_TEST(made.status == 201);
  auto secret = text(made, "key");
  auto id = text(made, "id");
  BOOST_TEST(made.has("Location: /api/v1/keys/" + id));
  BOOST_TEST(ask("GET", "/live/demo/h264.ts", bearer(secret)).status == 503);
  now += 1000;
  BOOST_TEST(ask("GET", "/api/v1/session", bearer(secret)).status == 200);
  auto list = ask("GET", "/api/v1/keys", admin);
  BOOST_TEST(list.body.find(secret.substr(16)) == std::string::npos);
  BOOST_TEST(list.body.find(R"("id":")" + id) != std::string::npos);
  BOOST_TEST(list.body.find(R"("used_at_ms":1700000001000)") != std::string::npos);
  BOOST_TEST(list.body.find(R"("expires_at_ms":1700003600000)") != std::string::npos);
  BOOST_TEST(list.body.find(R"("made_by":")" + first->substr(4, 12)) != std::string::npos);
  BOOST_TEST(ask("DELETE", "/api/v1/keys/" + id, admin).status == 204);
  BOOST_TEST(ask("DELETE", "/api/v1/keys/" + id, admin).status == 204);
  BOOST_TEST(text(ask("GET", "/api/v1/session", bearer(secret)), "code") == "revoked_key");
  BOOST_TEST(ask("DELETE", "/api/v1/keys/000000000000", admin).status == 404);
  BOOST_TEST(ask("DELETE", "/api/v1/keys/" + first->substr(4, 12), admin).status == 409);
}

BOOST_AUTO_TEST_CASE(an_order_for_a_key_that_makes_no_sense_is_refused) {
  start();
  for (auto wrong :
       {R"({"role":"viewer"})", R"({"name":"x"})", R"({"name":"x","role":"root"})",
        R"({"name":"x","role":"viewer","more":1})", R"({"name":"x","role":"viewer","channels":["a"]})",
        R"({"name":"x","role":"watch","channels":"a"})", R"({"name":"x","role":"watch","channels":[1]})",
        R"({"name":"x","role":"viewer","expires_in_ms":0})", R"({"name":"x","role":"viewer","expires_in_ms":"1d"})",
        R"({"name":"x","role":"viewer","expires_in_ms":9e18})", R"({"name":"","role":"viewer"})", R"([])", "x"})
    BOOST_TEST(ask("POST", "/api/v1/keys", bearer(first.value()), wrong).status == 400, wrong);
  BOOST_TEST(ring->all().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_browser_trades_its_key_for_a_cookie) {
  start();
  auto operates = key(core::role::operate);
  auto made = ask("POST", "/api/v1/session", bearer(operates) + "Origin: http://localhost\r\n");
  BOOST_TEST(made.status == 204);
  BOOST_TEST(made.has("; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200\r\n"));
  auto cookie = "Cookie: other=1; " + cookie_of(made) + "\r\n";
  BOOST_TEST(cookie.find(operates) == std::string::npos);
  BOOST_TEST(text(ask("GET", "/api/v1/session", cookie), "role") == "operator");
  // A change must come from a page of ours, and nothing may come from others.
  auto drain = [&](const std::string& fields) {
    return ask("POST", "/api/v1/daemons/alpha/drain", cookie + fields).status;
  };
  BOOST_TEST(drain("Origin: http://localhost\r\n") == 200);
  BOOST_TEST(drain("Sec-Fetch-Site: same-origin\r\n") == 200);
  BOOST_TEST(drain({}) == 401);
  BOOST_TEST(drain("Sec-Fetch-Site: none\r\n") == 401);
  BOOST_TEST(drain("Origin: http://localhost:3000\r\n") == 403);
  BOOST_TEST(drain("Sec-Fetch-Site: cross-site\r\n") == 403);
  BOOST_TEST(ask("GET", "/api/v1/daemons", cookie).status == 200);
  BOOST_TEST(ask("GET", "/api/v1/daemons", cookie + "Sec-Fetch-Site: cross-site\r\n").status == 401);
  BOOST_TEST(ask("GET", "/api/v1/daemons", cookie + "Sec-Fetch-Site: same-site\r\n").status == 401);
  BOOST_TEST(ask("GET", "/api/v1/daemons", "Cookie: troupe=" + std::string(200, '1') + "\r\n").status == 401);
  // It is no key, and no player's address.
  auto value = cookie_of(made).substr(7);
  BOOST_TEST(ask("GET", "/api/v1/daemons", bearer(value)).status == 401);
  BOOST_TEST(ask("GET", "/t/" + value + "/live/demo/h264.ts").status == 401);
  now += 12 * hour_ms;
  BOOST_TEST(text(ask("GET", "/api/v1/daemons", cookie), "code") == "expired_key");
  BOOST_TEST(ask("DELETE", "/api/v1/session", cookie + "Origin: http://localhost\r\n").has("troupe=; "));
  auto again = "Cookie: " + cookie_of(ask("POST", "/api/v1/session", bearer(operates))) + "\r\n";
  BOOST_TEST(ask("GET", "/api/v1/daemons", again).status == 200);
  revoke(operates);
  BOOST_TEST(ask("GET", "/api/v1/daemons", again).status == 401);
}

BOOST_AUTO_TEST_CASE(behind_a_proxy_with_https_the_cookie_belongs_to_this_host_alone) {
  config.trusted_proxies = {"127.0.0.1"};
  start();
  auto made = ask("POST", "/api/v1/session", bearer(first.value()) + "X-Forwarded-Proto: https\r\n");
  BOOST_TEST(made.has("Set-Cookie: __Host-troupe="));
  BOOST_TEST(made.has("; Secure\r\n"));
  auto cookie = "Cookie: " + cookie_of(made) + "\r\n";
  BOOST_TEST(ask("GET", "/api/v1/daemons", cookie + "X-Forwarded-Proto: https\r\n").status == 200);
  BOOST_TEST(ask("GET", "/api/v1/daemons", cookie).status == 401);
}

BOOST_AUTO_TEST_CASE(a_players_address_opens_one_channel_for_a_while) {
  start();
  auto watches = key(core::role::watch, {"demo"}, 2 * hour_ms);
  auto made = ask("POST", "/api/v1/addresses", bearer(watches), R"({"channel":"demo","expires_in_ms":3600000})");
  BOOST_TEST(made.status == 201);
  auto path = text(made, "path");
  BOOST_TEST(path.starts_with("/t/"));
  BOOST_TEST(path.ends_with("/live/demo"));
  auto prefix = path.substr(0, path.find("/live"));
  // The dummy coordinator has no stream: 503 and 404 come from behind the door.
  for (auto rest : {"/live/demo/h264.ts", "/live/demo/h264?format=ts"})
    BOOST_TEST(ask("GET", prefix + rest).status == 503, rest);
  BOOST_TEST(ask("GET", prefix + "/live/demo/h264?format=hls").status == 302);
  BOOST_TEST(ask("GET", prefix + "/live/demo/none.ts").status == 404);
  BOOST_TEST(ask("HEAD", prefix + "/live/demo/h264.ts").status == 200);
  BOOST_TEST(ask("GET", prefix + "/live/other/h264.ts").status == 401);
  BOOST_TEST(ask("GET", prefix + "/api/v1/daemons").status == 404);
  BOOST_TEST(ask("GET", prefix + prefix + "/live/demo/h264.ts").status == 404);
  BOOST_TEST(ask("GET", "/t/x/live/demo/h264.ts").status == 401);
  BOOST_TEST(ask("POST", "/api/v1/addresses", bearer(watches), R"({"channel":"other"})").status == 403);
  BOOST_TEST(ask("POST", "/api/v1/addresses", bearer(watches), R"({"channel":""})").status == 400);
  now += hour_ms;
  BOOST_TEST(text(ask("GET", prefix + "/live/demo/h264.ts"), "code") == "expired_key");
  // It never lives longer than its key, and ends with it.
  auto later = ask("POST", "/api/v1/addresses", bearer(watches), R"({"channel":"demo"})");
  BOOST_TEST(later.body.find(std::to_string(1'700'000'000'000 + 2 * hour_ms)) != std::string::npos);
  auto second = text(later, "path");
  BOOST_TEST(ask("GET", second + "/h264.ts").status == 503);
  revoke(watches);
  BOOST_TEST(text(ask("GET", second + "/h264.ts"), "code") == "revoked_key");
  web->stop();
  for (auto& x : targets)
    BOOST_TEST(x.find(prefix.substr(3)) == std::string::npos, x);
}

BOOST_AUTO_TEST_SUITE_END()
