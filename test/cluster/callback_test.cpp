// Goal: a callback reports the end of a job even if its receiver is away or refuses at first, or the coordinator dies
// in between. Each try has the same text, signed.
// Method: real processes. Jobs end at once because they are cancelled or their source is not media. Our own server
// counts the callbacks.
#include "http/callbacks.hpp"
#include "test/cluster/callback_receiver.hpp"
#include "test/support/cluster.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>

using namespace troupe::test;
namespace json = boost::json;

BOOST_AUTO_TEST_SUITE(callback_test)

namespace {

constexpr const char* secret = "a secret of the test";

struct fixture {
  cluster c{{{}, {std::string{"--jobs.callback_secret="} + secret}, {}}};

  fixture() {
    c.start_coordinator();
  }

  /// A job that waits, since there is no worker.
  std::string order(const std::string& callback) const {
    auto body = json::serialize(
      json::object{{"input", c.config_file()}, {"output", c.folder().path("out.mp4")}, {"callback", callback}});
    auto answer = http_request(c.http_port(), "POST", "/api/v1/jobs", milliseconds{10'000}, body);
    BOOST_REQUIRE_MESSAGE(answer.status == 201, answer.body);
    return text(answer.json().as_object(), "id");
  }

  void cancel(const std::string& id) const {
    BOOST_TEST(http_request(c.http_port(), "POST", "/api/v1/jobs/" + id + "/cancel").status == 200);
  }

  json::object callback_of(const std::string& id) const {
    auto all = list(c.get("/api/v1/jobs/" + id).json().as_object(), "callbacks");
    return all.empty() ? json::object{} : all.front().as_object();
  }
};

std::string url_of(const callback_receiver& x) {
  return "http://user:pass@127.0.0.1:" + std::to_string(x.port()) + "/told?token=private";
}

std::string field(const callback_receiver::received& x, const std::string& name) {
  auto at = x.head.find("\r\n" + name + ": ");
  if (at == std::string::npos)
    return {};
  at += name.size() + 4;
  return x.head.substr(at, x.head.find("\r\n", at) - at);
}

} // namespace

BOOST_FIXTURE_TEST_CASE(an_end_is_told_until_it_is_taken, fixture) {
  constexpr unsigned answers[] = {0, 503, 302, 200};
  callback_receiver receiver{[&](size_t n) { return answers[std::min<size_t>(n, 3)]; }};
  auto id = order(url_of(receiver));
  cancel(id);
  c.wait_until(
    "the end is taken", [&] { return count(callback_of(id), "done_at_ms") > 0; }, milliseconds{30'000});
  auto all = receiver.all();
  BOOST_REQUIRE(all.size() == 4u);
  std::set<std::string> deliveries;
  for (auto& x : all) {
    BOOST_TEST(x.head.starts_with("POST /told?token=private HTTP/1.1\r\n"));
    BOOST_TEST(field(x, "Content-Type") == "application/json");
    BOOST_TEST(field(x, "Troupe-Signature") == troupe::http::signature_of(secret, x.body));
    deliveries.insert(field(x, "Troupe-Delivery"));
    auto job = json::parse(x.body).as_object();
    BOOST_TEST(text(job, "id") == id);
    BOOST_TEST(text(job, "state") == "cancelled");
    BOOST_TEST(text(job, "delivery") == field(x, "Troupe-Delivery"));
    BOOST_TEST(x.body.find("private") == std::string::npos);
    BOOST_TEST(x.body.find("pass") == std::string::npos);
  }
  BOOST_TEST(deliveries.size() == 1u);
  auto known = callback_of(id);
  BOOST_TEST(count(known, "tries") == 4);
  BOOST_TEST(text(known, "note") == "answered 200");
  // The API does not show the secrets in the callback's URL.
  auto shown = c.get("/api/v1/jobs/" + id).body;
  BOOST_TEST(shown.find("private") == std::string::npos);
  BOOST_TEST(shown.find("pass") == std::string::npos);
  BOOST_TEST(c.logs().find("private") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_coordinator_that_comes_back_tells_what_it_owes, fixture) {
  std::atomic<bool> open{false};
  callback_receiver receiver{[&](size_t) { return open ? 204u : 500u; }};
  auto id = order(url_of(receiver));
  cancel(id);
  c.wait_until("it was tried", [&] { return !receiver.all().empty(); });
  c.kill("coordinator");
  open = true;
  auto before = receiver.all();
  c.start_coordinator();
  c.wait_until(
    "the end is taken", [&] { return count(callback_of(id), "done_at_ms") > 0; }, milliseconds{30'000});
  auto all = receiver.all();
  BOOST_TEST(all.size() > before.size());
  BOOST_TEST(field(all.back(), "Troupe-Delivery") == field(all.front(), "Troupe-Delivery"));
}

BOOST_FIXTURE_TEST_CASE(one_that_never_answers_does_not_keep_others_waiting, fixture) {
  callback_receiver receiver{[](size_t) { return 200u; }};
  for (int i = 0; i < 3; ++i)
    cancel(order("http://127.0.0.1:1/nobody"));
  auto id = order(url_of(receiver));
  cancel(id);
  c.wait_until("the end is taken", [&] { return count(callback_of(id), "done_at_ms") > 0; });
  BOOST_TEST(receiver.all().size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(what_is_no_address_is_refused, fixture) {
  for (auto url : {"ftp://host/x", "file:///etc/passwd", "http://", "/told", "http://host/ x", "gopher://h"}) {
    auto body = json::serialize(json::object{{"input", "/in"}, {"output", "/out.mp4"}, {"callback", url}});
    auto answer = http_request(c.http_port(), "POST", "/api/v1/jobs", milliseconds{10'000}, body);
    BOOST_TEST(answer.status == 400);
    BOOST_TEST(answer.body.find("callback is not accepted") != std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()
