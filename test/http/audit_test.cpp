// Who changed what: each change of each route is written down with its result, reading is not, and no secret is.
#include "core/trust/audit_rules.hpp"
#include "http/routes.hpp"
#include "keyed_server.hpp"
#include "transfer/upload_registry.hpp"

#include <boost/json/serialize.hpp>

#include <filesystem>

using namespace troupe;
using namespace troupe::http;

namespace audit_test {
namespace {

namespace json = boost::json;

bool reads(verb method) {
  return method == verb::get || method == verb::head || method == verb::options;
}

std::string method_of(const routes::route& x) {
  auto text = boost::beast::http::to_string(x.method);
  return {text.data(), text.size()};
}

std::string filled(std::string pattern) {
  for (size_t at; (at = pattern.find("{*}")) != std::string::npos;)
    pattern.replace(at, 3, "a/b");
  for (size_t at; (at = pattern.find("{}")) != std::string::npos;)
    pattern.replace(at, 2, "x");
  return pattern.find('?') == std::string::npos ? pattern : pattern + "=1";
}

/// A member as text: "null" if there is nothing.
std::string said(const json::value& of, const char* name) {
  auto& x = of.at(name);
  return x.is_string() ? std::string{x.get_string().data(), x.get_string().size()} : json::serialize(x);
}

struct fixture : keyed_server {
  ~fixture() {
    if (web)
      web->stop();
  }

  json::value page(const std::string& query = {}) {
    auto x = ask("GET", "/api/v1/audit" + query, bearer(first.value()));
    BOOST_TEST(x.status == 200, x.body);
    return json::parse(x.body);
  }

  json::array entries(const std::string& query = {}) {
    return page(query).at("entries").as_array();
  }

  /// The only entry that the query finds.
  json::value entry(const std::string& query) {
    auto found = entries(query);
    BOOST_REQUIRE_MESSAGE(found.size() == 1, query << " finds " << found.size());
    return found[0];
  }

  std::string admin_id() const {
    return first.value().substr(4, 12);
  }
};

} // namespace
} // namespace audit_test

BOOST_FIXTURE_TEST_SUITE(audit_test, fixture)

BOOST_AUTO_TEST_CASE(each_change_is_written_down_once_and_reading_never) {
  start();
  int n = 0;
  for (auto& r : routes::table()) {
    auto method = method_of(r);
    auto id = "change-" + std::to_string(++n) + ".";
    auto answer = ask(method, filled(std::string{r.pattern}),
                      bearer(first.value()) + "X-Request-Id: " + id + "\r\nConnection: close\r\n");
    auto found = entries("?text=" + id);
    auto what = method + " " + std::string{r.pattern};
    auto changes = !reads(r.method) && r.needs != core::need::nothing && r.needs != core::need::ticket;
    BOOST_REQUIRE_MESSAGE(found.size() == (changes ? 1u : 0u), what << ": " << found.size() << " entries");
    if (!changes)
      continue;
    auto& x = found[0];
    auto proves = r.needs != core::need::join; // a key is no join token
    BOOST_TEST(said(x, "key") == (proves ? admin_id() : "null"), what);
    BOOST_TEST(said(x, "name") == (proves ? "first" : "null"), what);
    BOOST_TEST(said(x, "role") == (proves ? "admin" : "null"), what);
    BOOST_TEST(said(x, "address") == "127.0.0.1", what);
    BOOST_TEST(said(x, "request") == id, what);
    BOOST_TEST(said(x, "method") == method, what);
    BOOST_TEST(said(x, "route") == std::string{r.pattern}, what);
    BOOST_TEST(said(x, "status") == std::to_string(answer.status), what);
    BOOST_TEST(said(x, "at_ms") == std::to_string(now), what);
  }
}

BOOST_AUTO_TEST_CASE(what_was_made_is_named) {
  start();
  auto made = ask("POST", "/api/v1/keys", bearer(first.value()), R"({"name": "tv", "role": "watch"})");
  BOOST_REQUIRE(made.status == 201);
  auto x = entry("?text=POST%20/api/v1/keys");
  BOOST_TEST(said(x, "made") == "/api/v1/keys/" + text(made, "id"));
  BOOST_TEST(ask("DELETE", "/api/v1/keys/" + text(made, "id"), bearer(first.value())).status == 204);
  BOOST_TEST(said(entry("?text=DELETE%20/api/v1/keys"), "target") == "/api/v1/keys/" + text(made, "id"));
  BOOST_TEST(ask("POST", "/api/v1/daemons/alpha/drain", bearer(first.value())).status == 200);
  BOOST_TEST(said(entry("?text=drain"), "made") == "null");
}

BOOST_AUTO_TEST_CASE(refusals_say_who_was_refused) {
  start();
  auto low = key(core::role::viewer);
  auto ended = key(core::role::admin);
  revoke(ended);
  auto drain = [this](const std::string& fields, const std::string& id) {
    return ask("POST", "/api/v1/daemons/alpha/drain", fields + "X-Request-Id: " + id + "\r\n").status;
  };
  BOOST_TEST(drain(bearer(low), "is-too-low") == 403);
  auto x = entry("?text=is-too-low");
  BOOST_TEST(said(x, "key") == low.substr(4, 12));
  BOOST_TEST(said(x, "role") == "viewer");
  BOOST_TEST(said(x, "status") == "403");
  // The key is known, but it proves nothing any more.
  BOOST_TEST(drain(bearer(ended), "is-revoked") == 401);
  x = entry("?text=is-revoked");
  BOOST_TEST(said(x, "key") == ended.substr(4, 12));
  BOOST_TEST(said(x, "role") == "null");
  BOOST_TEST(drain({}, "has-none") == 401);
  x = entry("?text=has-none");
  BOOST_TEST(said(x, "key") == "null");
  BOOST_TEST(said(x, "name") == "null");
  BOOST_TEST(said(x, "role") == "null");
  BOOST_TEST(said(x, "status") == "401");
  // Who guesses a key is written down, whatever it was for.
  ask("GET", "/api/v1/daemons", bearer(trust::key_ring::fresh_text()) + "X-Request-Id: guesses\r\n");
  BOOST_TEST(said(entry("?text=guesses"), "status") == "401");
}

BOOST_AUTO_TEST_CASE(logging_in_is_written_down) {
  start();
  BOOST_TEST(ask("POST", "/api/v1/session", bearer(first.value())).status == 204);
  BOOST_TEST(said(entry("?text=session"), "status") == "204");
  auto wrong = bearer(trust::key_ring::fresh_text());
  BOOST_TEST(ask("POST", "/api/v1/session", wrong + "X-Request-Id: fails\r\n").status == 401);
  BOOST_TEST(said(entry("?text=fails"), "status") == "401");
}

BOOST_AUTO_TEST_CASE(strangers_are_counted_when_they_are_too_many) {
  config.wrong_keys_max = unlimited;
  start();
  for (int i = 0; i < 30; ++i)
    ask("POST", "/api/v1/daemons/alpha/drain");
  BOOST_TEST(entries("?text=drain").size() == size_t{core::audit_rules::strangers_per_client});
  auto metrics = ask("GET", "/metrics", bearer(first.value())).body;
  BOOST_TEST(metrics.find("troupe_audit_left_out_total 20\n") != std::string::npos);
  BOOST_TEST(metrics.find("troupe_audit_entries_total 10\n") != std::string::npos);
  BOOST_TEST(metrics.find("troupe_audit_lost_total 0\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(this_machines_own_user_is_called_so) {
  config.trust_loopback = "always";
  start();
  BOOST_TEST(ask("POST", "/api/v1/daemons/alpha/drain").status == 200);
  auto x = entry("?text=drain");
  BOOST_TEST(said(x, "key") == "null");
  BOOST_TEST(said(x, "name") == "this machine");
  BOOST_TEST(said(x, "role") == "admin");
}

BOOST_AUTO_TEST_CASE(no_secret_is_written_down) {
  start();
  auto other = key(core::role::viewer);
  // A key in the place of its id, and values that nobody asked for.
  ask("DELETE", "/api/v1/keys/" + other + "?token=S3CRET&password=hunter2", bearer(first.value()));
  BOOST_REQUIRE(entries().size() == 1u);
  auto all = json::serialize(page());
  for (auto& secret : {other.substr(16), std::string{"S3CRET"}, std::string{"hunter2"}, first.value().substr(16)})
    BOOST_TEST(all.find(secret) == std::string::npos, all);
  BOOST_TEST(all.find("/api/v1/keys/trp_***?token=***&password=***") != std::string::npos, all);
}

BOOST_AUTO_TEST_CASE(a_request_whose_client_leaves_is_written_down_without_a_result) {
  start();
  {
    client c{web->port()};
    c.send("POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n" + bearer(first.value()) + "Content-Length: 9\r\n\r\n{}");
  }
  json::array found;
  while (found.empty())
    found = entries("?text=POST%20/api/v1/jobs");
  BOOST_TEST(said(found[0], "status") == "null");
}

BOOST_AUTO_TEST_CASE(files_are_written_down_too) {
  std::filesystem::create_directories(folder.path() + "/work");
  transfer::upload_registry_config with;
  with.secret = "a secret of tests";
  with.work_folder = folder.path() + "/work";
  with.bytes_max = 1024 * 1024;
  with.shortage = [](const std::string&, uint64_t) { return std::string{}; };
  config.files = std::make_shared<transfer::upload_registry>(with);
  start();
  auto made = ask("POST", "/api/v1/uploads", bearer(first.value()) + "Upload-Length: 4\r\nUpload-Name: a.mkv\r\n");
  BOOST_REQUIRE(made.status == 201);
  auto x = entry("?text=POST");
  BOOST_TEST(said(x, "route") == "/api/v1/uploads");
  BOOST_TEST(made.has("Location: " + said(x, "made") + "\r\n"));
  BOOST_TEST(ask("DELETE", said(x, "made"), bearer(first.value())).status == 204);
  BOOST_TEST(said(entry("?text=DELETE"), "status") == "204");
}

BOOST_AUTO_TEST_CASE(the_list_has_filters_and_pages) {
  start();
  auto second = key(core::role::admin);
  for (int i = 0; i < 3; ++i) {
    ++now;
    ask("POST", "/api/v1/daemons/alpha/drain", bearer(first.value()));
    ++now;
    ask("POST", "/api/v1/daemons/alpha/resume", bearer(second));
  }
  BOOST_TEST(entries().size() == 6u);
  BOOST_TEST(entries("?key=" + second.substr(4, 12)).size() == 3u);
  BOOST_TEST(entries("?text=drain&address=127.0.0.1").size() == 3u);
  BOOST_TEST(entries("?address=192.0.2.1").empty());
  BOOST_TEST(entries("?from_ms=" + std::to_string(now) + "&to_ms=" + std::to_string(now + 1)).size() == 1u);
  auto first_page = page("?limit=4");
  BOOST_TEST(first_page.at("entries").as_array().size() == 4u);
  auto last_page = page("?limit=4&after=" + said(first_page, "next"));
  BOOST_TEST(last_page.at("entries").as_array().size() == 2u);
  BOOST_TEST(said(last_page, "next") == "null");
  for (auto wrong : {"?limit=0", "?limit=1001", "?after=x", "?from_ms=-1", "?state=queued", "?text=%00"})
    BOOST_TEST(ask("GET", std::string{"/api/v1/audit"} + wrong, bearer(first.value())).status == 400, wrong);
}

BOOST_AUTO_TEST_SUITE_END()
