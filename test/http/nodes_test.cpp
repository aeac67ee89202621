// Joining over HTTP: tokens from their making to their end, what a new node gets for one, renewal and revocation.
#include "core/trust/join_token.hpp"
#include "core/trust/link_proof.hpp"
#include "keyed_server.hpp"
#include "trust/node_certificate.hpp"

#include <boost/json/serialize.hpp>

using namespace troupe;
using namespace troupe::http;

namespace nodes_test {
namespace {

namespace json = boost::json;

struct fixture : keyed_server {
  fixture() {
    admin = bearer(key(core::role::admin));
    start();
  }

  ~fixture() {
    web->stop();
  }

  /// The text of a new token.
  std::string token(const std::string& more = {}) {
    auto x = ask("POST", "/api/v1/join-tokens", admin, R"({"role": "worker")" + more + "}");
    BOOST_REQUIRE_MESSAGE(x.status == 201, x.body);
    return text(x, "token");
  }

  client::response join(const std::string& token, const std::string& name = "w1") {
    json::object order{{"name", name}, {"request", request.text}};
    return ask("POST", "/api/v1/nodes/join", bearer(token), json::serialize(order));
  }

  std::string admin;
  trust::certificate_request request = trust::make_request().value();
};

} // namespace
} // namespace nodes_test

BOOST_FIXTURE_TEST_SUITE(nodes_test, fixture)

BOOST_AUTO_TEST_CASE(a_token_makes_a_machine_a_node) {
  auto shown = ask("GET", "/api/v1/cluster/authority");
  BOOST_TEST(shown.status == 200);
  auto by = trust::certificate::read_public(shown.body);
  BOOST_REQUIRE(by.has_value());
  auto made = token();
  BOOST_TEST(core::is_for(core::read_join_text(made).value(), by->public_key_sha256()));
  auto joined = join(made);
  BOOST_REQUIRE_MESSAGE(joined.status == 201, joined.body);
  BOOST_TEST(text(joined, "node_secret") == core::node_secret(config.cluster_secret, "w1"));
  auto own = trust::certificate::read(text(joined, "certificate"), request.key);
  BOOST_REQUIRE_MESSAGE(own.has_value(), own.error());
  BOOST_TEST(own->is_signed_by(*by));
  BOOST_TEST(trust::identity_of(*own).name == "w1");
  BOOST_TEST(trust::identity_of(*own).role == "worker");
  auto listed = ask("GET", "/api/v1/nodes", bearer(key(core::role::viewer)));
  BOOST_TEST(listed.body.find(trust::identity_of(*own).serial) != std::string::npos);
  for (auto& path : {"/api/v1/nodes", "/api/v1/join-tokens"})
    BOOST_TEST(ask("GET", path, admin).body.find(core::read_join_text(made)->secret) == std::string::npos);
  std::lock_guard guard{cluster->mutex};
  for (auto& x : targets)
    BOOST_TEST(x.find("TROUPE1") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_token_that_has_ended_says_why) {
  auto used = token();
  BOOST_TEST(join(used).status == 201);
  auto code = [&](const std::string& x) {
    auto answer = join(x);
    BOOST_TEST(answer.status == 401);
    BOOST_TEST(answer.has("WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"));
    return text(answer, "code");
  };
  BOOST_TEST(code(used) == "used_token");
  auto revoked = token();
  auto id = core::read_join_text(revoked)->id;
  BOOST_TEST(ask("DELETE", "/api/v1/join-tokens/" + id, admin).status == 204);
  BOOST_TEST(ask("DELETE", "/api/v1/join-tokens/" + id, admin).status == 204);
  BOOST_TEST(ask("DELETE", "/api/v1/join-tokens/NOBODY", admin).status == 404);
  BOOST_TEST(code(revoked) == "revoked_token");
  auto expired = token(R"(, "expires_in_ms": 1000)");
  now += 1000;
  BOOST_TEST(code(expired) == "expired_token");
  BOOST_TEST(code("TROUPE1-A") == "wrong_token");
  auto none = ask("POST", "/api/v1/nodes/join", {}, "{}");
  BOOST_TEST(none.status == 401);
  BOOST_TEST(text(none, "code") == "no_token");
}

BOOST_AUTO_TEST_CASE(tokens_are_not_guessed_faster_than_keys) {
  config.wrong_keys_max = 3;
  start();
  auto good = token();
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(join("TROUPE1-guess").status == 401);
  auto x = join(good);
  BOOST_TEST(x.status == 429);
  BOOST_TEST(x.has("Retry-After: "));
}

BOOST_AUTO_TEST_CASE(orders_that_make_no_sense_use_no_token_up) {
  auto refused = [&](const std::string& body) { return ask("POST", "/api/v1/join-tokens", admin, body).status; };
  BOOST_TEST(refused(R"({"role": "coordinator"})") == 400);
  BOOST_TEST(refused(R"({"role": "worker", "uses": 0})") == 400);
  BOOST_TEST(refused(R"({"role": "worker", "expires_in_ms": -1})") == 400);
  BOOST_TEST(refused(R"({"role": "worker", "more": 1})") == 400);
  auto made = token();
  BOOST_TEST(join(made, "a name").status == 400);
  BOOST_TEST(join(made, "").status == 400);
  auto send = [&](const std::string& body) { return ask("POST", "/api/v1/nodes/join", bearer(made), body).status; };
  BOOST_TEST(send(R"({"name": "w1"})") == 400);
  BOOST_TEST(send(R"({"name": "w1", "request": "nonsense"})") == 400);
  BOOST_TEST(send(R"({"name": "w1", "request": ")" + std::string(70'000, 'A') + "\"}") == 400);
  BOOST_TEST(join(made).status == 201);
}

BOOST_AUTO_TEST_CASE(a_node_renews_and_is_revoked) {
  auto joined = join(token());
  auto own = trust::certificate::read(text(joined, "certificate"), request.key).value();
  auto renew = [&](const std::string& signature) {
    json::object order{{"certificate", own.text().chain}, {"request", request.text}, {"signature", signature}};
    return ask("POST", "/api/v1/nodes/renew", {}, json::serialize(order));
  };
  auto signature = trust::sign_text(own, request.text);
  BOOST_TEST(renew(signature).status == 409);
  now += int64_t{20} * 24 * 3600 * 1000;
  BOOST_TEST(renew(std::string(140, '0')).status == 400);
  auto fresh = renew(signature);
  BOOST_TEST(fresh.status == 201, fresh.body);
  BOOST_TEST(ask("POST", "/api/v1/nodes/w1/revoke", bearer(key(core::role::operate))).status == 403);
  BOOST_TEST(ask("POST", "/api/v1/nodes/w1/revoke", admin).status == 200);
  BOOST_TEST(ask("POST", "/api/v1/nodes/w1/revoke", admin).status == 404);
  BOOST_TEST(renew(signature).status == 409);
}

BOOST_AUTO_TEST_CASE(a_coordinator_that_none_can_join_says_why) {
  config.join_fault = "machines join over HTTPS";
  auto made = token();
  start();
  auto x = ask("POST", "/api/v1/join-tokens", admin, R"({"role": "worker"})");
  BOOST_TEST(x.status == 409);
  BOOST_TEST(text(x, "detail").find("HTTPS") != std::string::npos);
  BOOST_TEST(join(made).status == 409);
}

BOOST_AUTO_TEST_SUITE_END()
