// A server with keys and an audit log, whose clock the tests can move. Nobody is trusted without a key unless a test
// says so.
#pragma once

#include "client.hpp"
#include "dummy_gateway.hpp"
#include "http/server.hpp"
#include "test/support/temporary_folder.hpp"
#include "trust/audit_log.hpp"
#include "trust/cluster_authority.hpp"
#include "trust/key_ring.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::http {

struct keyed_server : type_registration {
  static constexpr uint32_t unlimited = 1'000'000;

  keyed_server() {
    cluster->daemons = {dummy_daemon("alpha", 1)};
    cluster->channels.emplace_back().name = "demo";
    cluster->profiles.emplace_back().name = "h264";
    gateway = spawn_dummy_gateway(system, cluster);
    auto store = store::key_store::open({folder.path() + "/jobs.db"});
    BOOST_REQUIRE_MESSAGE(store.has_value(), store.error().text);
    auto opened =
      trust::key_ring::open(std::move(*store), {.secret = "a secret of tests", .now_ms = [this] { return now.load(); }},
                            [this] { return first; });
    BOOST_REQUIRE_MESSAGE(opened.has_value(), opened.error());
    ring = std::move(*opened);
    auto log = store::audit_store::open({folder.path() + "/jobs.db"});
    BOOST_REQUIRE_MESSAGE(log.has_value(), log.error().text);
    trust::audit_config audit_settings;
    audit_settings.now_ms = [this] { return now.load(); };
    audit = trust::audit_log::open(std::move(*log), std::move(audit_settings)).value();
    auto nodes = store::authority_store::open({folder.path() + "/jobs.db"});
    BOOST_REQUIRE_MESSAGE(nodes.has_value(), nodes.error().text);
    auto made = trust::cluster_authority::open(
      std::move(*nodes), {.password = "a secret of tests", .folder = folder.path(), .node = "test", .now_ms = [this] {
                            return now.load();
                          }});
    BOOST_REQUIRE_MESSAGE(made.has_value(), made.error());
    authority = std::move(*made);
    config.authority = authority;
    config.cluster_secret = "the secret of the cluster";
    config.listen.port = 0;
    config.keys = ring;
    config.audit = audit;
    config.logins_max = unlimited;
    config.trust_loopback = "never";
    config.requests_per_second = unlimited;
    config.requests_burst = unlimited;
    config.log = [this](const access_record& x) {
      std::lock_guard guard{cluster->mutex};
      targets.push_back(x.target);
    };
  }

  void start() {
    web.reset();
    auto started = server::start(config, system, gateway);
    BOOST_REQUIRE_MESSAGE(started.has_value(), started.error());
    web = std::move(*started);
  }

  /// The text of a new key.
  std::string key(core::role role, std::vector<std::string> channels = {}, int64_t life_ms = 0) {
    std::promise<std::string> result;
    trust::key_order order{"of a test", role, std::move(channels), life_ms == 0 ? 0 : now + life_ms};
    auto take = [&](const trust::answer<trust::made_key>& x) { result.set_value(x.value().text.reveal()); };
    ring->make(std::move(order), {}, take);
    return result.get_future().get();
  }

  void revoke(const std::string& text) {
    std::promise<bool> result;
    ring->revoke(text.substr(4, 12), [&](trust::answer<void> x) { result.set_value(x.has_value()); });
    BOOST_TEST(result.get_future().get());
  }

  static std::string bearer(const std::string& key) {
    return "Authorization: Bearer " + key + "\r\n";
  }

  /// One request on a connection of its own; only the head of the answer is waited for.
  client::response ask(const std::string& method, const std::string& path, const std::string& fields = {},
                       const std::string& body = {}, uint32_t from = INADDR_LOOPBACK) {
    client c{web->port(), 0, from};
    auto length = body.empty() ? std::string{} : "Content-Length: " + std::to_string(body.size()) + "\r\n";
    c.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + length + fields + "\r\n" + body);
    return c.read_response(method == "HEAD");
  }

  static std::string text(const client::response& x, const char* name) {
    boost::system::error_code failure;
    auto parsed = boost::json::parse(x.body, failure);
    BOOST_REQUIRE_MESSAGE(!failure, "no JSON: " + x.body);
    auto& member = parsed.at(name);
    return member.is_string() ? std::string{member.get_string().data(), member.get_string().size()} : std::string{};
  }

  test::temporary_folder folder;
  std::atomic<int64_t> now{1'700'000'000'000};
  tl::expected<std::string, std::string> first = trust::key_ring::fresh_text();
  std::shared_ptr<trust::key_ring> ring;
  std::shared_ptr<trust::audit_log> audit;
  std::shared_ptr<trust::cluster_authority> authority;
  dummy_cluster_ptr cluster = std::make_shared<dummy_cluster>();
  caf::actor_system_config system_config;
  caf::actor_system system{system_config};
  gateway_actor gateway;
  server_config config;
  std::vector<std::string> targets; ///< of the log
  std::unique_ptr<server> web;
};

} // namespace troupe::http
