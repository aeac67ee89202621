// The REST API over a real socket, with a dummy coordinator: statuses, bodies, problems, metrics, and what browsers may
// not do.
#include "client.hpp"
#include "dummy_gateway.hpp"
#include "http/server.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::http;

namespace api_test {
namespace {

struct fixture : type_registration {
  fixture() {
    cluster->daemons = {dummy_daemon("alpha", 18'000'000'000'000'000'001u), dummy_daemon("beta", 7)};
    cluster->daemons[1].tasks.push_back(
      {task_id{5}, "transcode", "demo", "h264", session_id{1}, attempt_id{2}, {}, {}});
    cluster->daemons[1].ended.push_back({task_id{4}, "ingest", "demo", "", "beta", attempt_id{1}, "killed", 1000});
    cluster->channels.push_back(
      {"demo", "Demo", {"http://example.org/a.ts"}, true, {{"h264-480p", "it kills its tasks", 1}}});
    profile p;
    p.name = "h264";
    cluster->profiles.push_back(p);
    session_status s;
    s.id = session_id{1};
    s.channel = "demo";
    s.state = "running";
    cluster->sessions.push_back(s);
    config.listen.port = 0;
    config.ask_timeout = std::chrono::milliseconds{300};
    config.log = [this](const access_record& x) {
      std::lock_guard guard{cluster->mutex};
      records.push_back(x);
    };
    gateway = spawn_dummy_gateway(system, cluster);
    auto started = server::start(config, system, gateway);
    if (!started)
      BOOST_FAIL(started.error());
    web = std::move(*started);
  }

  client::response ask(const std::string& method, const std::string& path, const std::string& more = {}) {
    client c{web->port()};
    c.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n");
    return c.read_response(method == "HEAD");
  }

  boost::json::value json(const client::response& x) {
    boost::system::error_code failure;
    auto result = boost::json::parse(x.body, failure);
    BOOST_REQUIRE_MESSAGE(!failure, "no JSON: " + x.body);
    return result;
  }

  dummy_cluster_ptr cluster = std::make_shared<dummy_cluster>();
  caf::actor_system_config system_config;
  caf::actor_system system{system_config};
  gateway_actor gateway;
  server_config config;
  std::vector<access_record> records;
  std::unique_ptr<server> web;
};

std::string text(const boost::json::value& x) {
  return {x.as_string().data(), x.as_string().size()};
}

} // namespace
} // namespace api_test

BOOST_FIXTURE_TEST_SUITE(api_test, fixture)

BOOST_AUTO_TEST_CASE(daemons_come_as_a_list_with_its_length) {
  auto x = ask("GET", "/api/v1/daemons");
  BOOST_TEST(x.status == 200);
  BOOST_TEST(x.has("Content-Type: application/json"));
  auto body = json(x);
  BOOST_TEST(body.at("total").to_number<int>() == 2);
  auto& first = body.at("daemons").at(0);
  BOOST_TEST(text(first.at("name")) == "alpha");
  BOOST_TEST(text(first.at("id")) == "18000000000000000001");
  BOOST_TEST(text(first.at("state")) == "healthy");
  BOOST_TEST(text(first.at("can").at("encoders").at(0).at("name")) == "libx264");
}

BOOST_AUTO_TEST_CASE(a_daemon_is_found_by_name_and_by_id) {
  BOOST_TEST(text(json(ask("GET", "/api/v1/daemons/beta")).at("id")) == "7");
  BOOST_TEST(text(json(ask("GET", "/api/v1/daemons/7")).at("name")) == "beta");
  BOOST_TEST(text(json(ask("GET", "/api/v1/daemons/b%65ta")).at("id")) == "7");
}

BOOST_AUTO_TEST_CASE(the_jobs_of_a_daemon_are_its_tasks_and_what_ended) {
  auto body = json(ask("GET", "/api/v1/daemons/beta/jobs"));
  BOOST_TEST(body.at("total").to_number<int>() == 1);
  BOOST_TEST(text(body.at("jobs").at(0).at("kind")) == "transcode");
  BOOST_TEST(text(body.at("jobs").at(0).at("attempt")) == "2");
  BOOST_TEST(text(body.at("ended").at(0).at("reason")) == "killed");
  BOOST_TEST(body.at("ended").at(0).at("at_ms").to_number<int>() == 1000);
}

BOOST_AUTO_TEST_CASE(an_unknown_daemon_is_a_problem_with_the_requests_id) {
  auto x = ask("GET", "/api/v1/daemons/nobody", "X-Request-Id: my-id.1\r\n");
  BOOST_TEST(x.status == 404);
  BOOST_TEST(x.has("Content-Type: application/problem+json"));
  BOOST_TEST(x.has("X-Request-Id: my-id.1"));
  auto body = json(x);
  BOOST_TEST(body.at("status").to_number<int>() == 404);
  BOOST_TEST(text(body.at("title")) == "Not Found");
  BOOST_TEST(text(body.at("code")) == "unknown_daemon");
  BOOST_TEST(text(body.at("instance")) == "my-id.1");
  BOOST_TEST(!text(body.at("detail")).empty());
  web->stop();
  BOOST_REQUIRE(records.size() == 1);
  BOOST_TEST(records[0].request_id == "my-id.1");
  BOOST_TEST(records[0].status == 404);
}

BOOST_AUTO_TEST_CASE(drain_resume_and_removal_reach_the_coordinator) {
  BOOST_TEST(text(json(ask("POST", "/api/v1/daemons/alpha/drain")).at("name")) == "alpha");
  BOOST_TEST(ask("POST", "/api/v1/daemons/alpha/resume", "Content-Length: 0\r\n").status == 200);
  auto removed = ask("DELETE", "/api/v1/daemons/beta");
  BOOST_TEST(removed.status == 204);
  BOOST_TEST(!removed.has("Content-Length"));
  BOOST_TEST(ask("DELETE", "/api/v1/daemons/nobody").status == 404);
  BOOST_TEST(cluster->commands == (std::vector<std::string>{"drain alpha", "resume alpha", "remove beta"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(channels_profiles_and_sessions_are_listed) {
  auto channels = ask("GET", "/api/v1/channels");
  BOOST_TEST(text(json(channels).at("channels").at(0).at("urls").at(0)) == "http://example.org/a.ts");
  BOOST_TEST(text(json(channels).at("channels").at(0).at("quarantined").at(0).at("reason")) == "it kills its tasks");
  auto profile = json(ask("GET", "/api/v1/profiles")).at("profiles").at(0);
  BOOST_TEST(profile.at("video").at("keyframe_interval_ms").to_number<int>() == 2000);
  BOOST_TEST(json(ask("GET", "/api/v1/sessions")).at("total").to_number<int>() == 1);
  BOOST_TEST(text(json(ask("GET", "/api/v1/sessions/1")).at("channel")) == "demo");
  BOOST_TEST(text(json(ask("GET", "/api/v1/sessions/demo")).at("id")) == "1");
  BOOST_TEST(ask("GET", "/api/v1/sessions/2").status == 404);
}

BOOST_AUTO_TEST_CASE(ready_means_that_a_worker_can_encode_video) {
  BOOST_TEST(ask("GET", "/healthz").status == 200);
  BOOST_TEST(ask("GET", "/readyz").status == 200);
  {
    std::lock_guard guard{cluster->mutex};
    cluster->daemons[0].state = health::draining;
    cluster->daemons[1].can.encoders[0].works = false;
  }
  auto x = ask("GET", "/readyz");
  BOOST_TEST(x.status == 503);
  BOOST_TEST(x.has("Retry-After: "));
  BOOST_TEST(text(json(x).at("code")) == "no_worker");
  BOOST_TEST(ask("GET", "/healthz").status == 200);
}

BOOST_AUTO_TEST_CASE(metrics_are_prometheus_text) {
  ask("GET", "/nothing");
  auto x = ask("GET", "/metrics");
  BOOST_TEST(x.status == 200);
  BOOST_TEST(x.has("Content-Type: text/plain; version=0.0.4"));
  BOOST_TEST(x.body.find("\ntroupe_") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(head_is_get_without_a_body) {
  auto get = ask("GET", "/api/v1/daemons");
  auto head = ask("HEAD", "/api/v1/daemons");
  BOOST_TEST(head.status == 200);
  BOOST_TEST(head.has("Content-Length: " + std::to_string(get.body.size())));
  client c{web->port()};
  c.send("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  auto all = c.read_all();
  BOOST_TEST(all.ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(head_says_nothing_of_the_length_of_what_has_none) {
  {
    std::lock_guard guard{cluster->mutex};
    cluster->channels.emplace_back().name = "demo";
    cluster->profiles.emplace_back().name = "h264";
  }
  for (auto path : {"/live/demo/h264.ts", "/api/v1/jobs/events"}) {
    client c{web->port()};
    c.send("HEAD " + std::string{path} + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    auto head = c.read_all();
    BOOST_TEST(head.starts_with("HTTP/1.1 200"));
    BOOST_TEST(head.find("Content-Length") == std::string::npos);
    BOOST_TEST(head.ends_with("\r\n\r\n"));
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_method_is_told_the_right_ones) {
  auto x = ask("PUT", "/api/v1/daemons/alpha");
  BOOST_TEST(x.status == 405);
  BOOST_TEST(x.has("Allow: GET, HEAD, DELETE"));
  BOOST_TEST(ask("POST", "/live/demo/h264.ts").status == 405);
  BOOST_TEST(ask("BREW", "/healthz").status == 405);
  BOOST_TEST(ask("GET", "/api/v1/nothing").status == 404);
}

BOOST_AUTO_TEST_CASE(the_index_names_every_path) {
  auto x = ask("GET", "/");
  BOOST_TEST(x.status == 200);
  BOOST_TEST(x.body.find("/api/v1/daemons/{name}/drain") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_connection_serves_many_requests_also_sent_ahead) {
  client c{web->port()};
  for (int i = 0; i < 3; ++i)
    c.get("/healthz");
  c.get("/api/v1/daemons", "Connection: close\r\n");
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(c.read_response().status == 200);
  auto last = c.read_response();
  BOOST_TEST(last.has("Connection: close"));
  BOOST_TEST(c.read_all().empty());
}

BOOST_AUTO_TEST_CASE(a_coordinator_that_is_silent_is_a_504) {
  cluster->silent = true;
  auto x = ask("GET", "/api/v1/daemons");
  BOOST_TEST(x.status == 504);
  BOOST_TEST(text(json(x).at("code")) == "timeout");
  BOOST_TEST(ask("GET", "/healthz").status == 200);
}

BOOST_AUTO_TEST_CASE(a_coordinator_that_is_gone_is_a_503) {
  caf::anon_send_exit(gateway, caf::exit_reason::kill);
  auto x = ask("GET", "/api/v1/daemons");
  BOOST_TEST(x.status == 503);
  BOOST_TEST(text(json(x).at("code")) == "stopping");
}

BOOST_AUTO_TEST_CASE(pages_of_other_sites_change_nothing) {
  auto refused = [this](const std::string& fields) {
    return ask("POST", "/api/v1/daemons/alpha/drain", fields).status == 403;
  };
  BOOST_TEST(refused("Origin: https://evil.example\r\n"));
  BOOST_TEST(refused("Origin: null\r\n"));
  BOOST_TEST(refused("Sec-Fetch-Site: cross-site\r\n"));
  BOOST_TEST(refused("Sec-Fetch-Site: same-site\r\n"));
  BOOST_TEST(refused("Origin: http://localhost\r\nOrigin: http://evil.example\r\n"));
  BOOST_TEST(cluster->commands.empty());
  BOOST_TEST(
    ask("POST", "/api/v1/daemons/alpha/drain", "Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n").status
    == 200);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_not_this_machines_is_not_answered_to) {
  auto status = [this](const std::string& head) {
    client c{web->port()};
    c.send(head + "\r\n");
    return c.read_response().status;
  };
  BOOST_TEST(status("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n") == 421);
  BOOST_TEST(status("GET /healthz HTTP/1.1\r\nHost: localhost.evil.example\r\n") == 421);
  BOOST_TEST(status("GET /healthz HTTP/1.1\r\n") == 400);
  BOOST_TEST(status("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n") == 400);
  BOOST_TEST(status("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n") == 200);
  BOOST_TEST(status("GET /healthz HTTP/1.1\r\nHost: [::1]:8080\r\n") == 200);
  BOOST_TEST(status("GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n") == 200);
  BOOST_TEST(status("GET /healthz HTTP/1.0\r\n") == 200);
}

BOOST_AUTO_TEST_CASE(names_of_a_reverse_proxy_and_of_a_server_beyond_this_machine_can_be_told) {
  auto restart = [this](const char* listen, std::vector<std::string> hosts) {
    web.reset();
    server_config with;
    with.listen.port = 0;
    with.listen.host = listen;
    with.hosts = std::move(hosts);
    with.log = [](const access_record&) {};
    auto started = server::start(with, system, gateway);
    if (!started)
      BOOST_FAIL(started.error());
    web = std::move(*started);
  };
  auto status = [this](const std::string& method, const std::string& fields) {
    client c{web->port()};
    c.send(method + " HTTP/1.1\r\n" + fields + "\r\n");
    return c.read_response().status;
  };
  const std::string get = "GET /healthz";
  const std::string drain = "POST /api/v1/daemons/alpha/drain";
  restart("127.0.0.1", {"tv.example.org"});
  BOOST_TEST(status(get, "Host: TV.example.org:8080\r\n") == 200);
  BOOST_TEST(status(get, "Host: evil.example\r\n") == 421);
  BOOST_TEST(status(get, "Host: 203.0.113.5\r\n") == 421);
  // The name is accepted; but who uses it is not known as this machine's own user.
  BOOST_TEST(status(drain, "Host: tv.example.org\r\nOrigin: https://tv.example.org\r\n") == 401);
  restart("0.0.0.0", {"tv.example.org"});
  BOOST_TEST(status(get, "Host: tv.example.org\r\n") == 200);
  BOOST_TEST(status(get, "Host: 203.0.113.5\r\n") == 200);
  BOOST_TEST(status(get, "Host: evil.example\r\n") == 421);
  // Without a list of names, every Host is accepted. But changes from a browser are refused unless the Host is an
  // address, because an attacker's name may resolve to our address.
  restart("0.0.0.0", {});
  BOOST_TEST(status(get, "Host: coordinator.example\r\n") == 200);
  BOOST_TEST(status(drain, "Host: coordinator.example\r\n") == 401);
  BOOST_TEST(status(drain, "Host: evil.example\r\nOrigin: http://evil.example\r\n") == 403);
  BOOST_TEST(status(drain, "Host: evil.example\r\nSec-Fetch-Site: same-origin\r\n") == 403);
  BOOST_TEST(status(drain, "Host: 127.0.0.1:80\r\nOrigin: http://127.0.0.1:80\r\n") == 200);
}

BOOST_AUTO_TEST_SUITE_END()
