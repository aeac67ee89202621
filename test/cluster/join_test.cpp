// Goal: a new machine becomes a worker by one line of text, stays one by itself, and is put out at once. What it says
// before it knows the coordinator is not secret.
// Method: a coordinator with its own authority on loopback; workers with tokens that are good, ended, or of another
// cluster; another coordinator, whose log has every request; certificates of 20 seconds under a channel; damaged files.
#include "rig/viewer.hpp"
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/json/object.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include <poll.h>

using namespace troupe;
using namespace troupe::test;

namespace join_test {
namespace {

std::string port_in(const std::string& file) {
  auto result = read_file(file);
  while (!result.empty() && result.back() == '\n')
    result.pop_back();
  return result;
}

struct fixture {
  explicit fixture(const std::vector<std::string>& flags = {}) {
    std::vector<std::string> all{"--http.tls.enabled", "--http.tls.listen=127.0.0.1:0",
                                 "--http.tls.port_file=" + port_file, "--cluster.tls.always"};
    all.insert(all.end(), flags.begin(), flags.end());
    c.start_coordinator(all);
  }

  /// The text of a new token.
  std::string token(const std::string& more = {}, std::string* id = nullptr) {
    auto x = http_request(c.http_port(), "POST", "/api/v1/join-tokens", scaled(milliseconds{10'000}),
                          R"({"role": "worker")" + more + "}");
    BOOST_REQUIRE_MESSAGE(x.status == 201, x.body);
    if (id != nullptr)
      *id = text(x.json(), "id");
    return text(x.json(), "token");
  }

  process& start_worker(const std::string& name, const std::string& token, std::string https = {}) {
    if (https.empty())
      https = port_in(port_file);
    std::vector<std::string> flags{"--cluster.join_at=127.0.0.1:" + https};
    if (!token.empty())
      flags.push_back("--join=" + token);
    return c.start_worker(name, 2, flags);
  }

  void await(const std::string& name) {
    c.wait_until(
      name + " is registered", [&] { return c.daemon_state(name) == "healthy"; }, milliseconds{180'000});
  }

  /// Starts a worker that must end by itself, soon, and say why.
  void check_refused(const std::string& name, const std::string& token, const std::string& why) {
    auto& x = start_worker(name, token);
    auto status = x.wait(scaled(milliseconds{5'000}));
    BOOST_TEST((status && *status == 1), name);
    BOOST_TEST(x.output().find(why) != std::string::npos, x.output());
    BOOST_TEST(c.daemon(name).empty());
    c.stop(name, 1);
  }

  std::string file(const std::string& node, const std::string& name) const {
    return c.folder().path() + "/" + node + "/" + name;
  }

  void revoke(const std::string& name) {
    auto x = http_request(c.http_port(), "POST", "/api/v1/nodes/" + name + "/revoke", scaled(milliseconds{10'000}));
    BOOST_TEST(x.status == 200, x.body);
  }

  cluster c{cluster_settings{{{"a", media("h264.ts")}}, {}, {}}};
  std::string port_file = c.folder().path() + "/https.port";
};

struct short_lives : fixture {
  short_lives() : fixture({"--cluster.certificate_life=20s"}) {}
};

/// The coordinator of another cluster, whose log has every request.
struct other_coordinator {
  temporary_folder folder;
  process node{node_program(),
               {"--role=coordinator", "--node.state_dir=" + folder.path("state"), "--http.listen=127.0.0.1:0",
                "--cluster.listen=127.0.0.1:0", "--http.tls.enabled", "--http.tls.listen=127.0.0.1:0",
                "--http.tls.port_file=" + folder.path("https"), "--log.level=debug"},
               folder.path("node.log")};
};

} // namespace
} // namespace join_test

BOOST_AUTO_TEST_SUITE(join_test)

BOOST_FIXTURE_TEST_CASE(a_machine_joins_by_a_token_and_works, fixture) {
  auto made = token();
  start_worker("w1", made);
  await("w1");
  auto client = c.watch("a", "small", 50'000, milliseconds{60'000});
  auto mode = std::filesystem::status(file("w1", "node.pem")).permissions();
  BOOST_TEST((mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)));
  client.close();
  // Its certificate lets it in again, without a token.
  c.stop("w1");
  start_worker("w1", {});
  await("w1");
  // The secret is in no log and no file.
  auto secret = made.substr(made.rfind('-') + 1);
  for (auto& x : std::filesystem::recursive_directory_iterator{c.folder().path()})
    if (x.is_regular_file())
      BOOST_TEST(read_file(x.path().string()).find(secret) == std::string::npos, x.path().string());
}

BOOST_FIXTURE_TEST_CASE(a_token_that_has_ended_says_so_within_seconds, fixture) {
  auto used = token();
  start_worker("w1", used);
  await("w1");
  check_refused("w2", used, "has admitted as many nodes as it may");
  std::string id;
  auto revoked = token({}, &id);
  BOOST_TEST(http_request(c.http_port(), "DELETE", "/api/v1/join-tokens/" + id).status == 204);
  check_refused("w3", revoked, "was revoked");
  auto expired = token(R"(, "expires_in_ms": 1)");
  check_refused("w4", expired, "has expired");
}

BOOST_FIXTURE_TEST_CASE(a_server_with_another_authority_hears_nothing_secret, fixture) {
  auto made = token();
  other_coordinator other;
  c.wait_until("the other coordinator listens", [&] { return std::filesystem::exists(other.folder.path("https")); });
  auto& x = start_worker("w1", made, port_in(other.folder.path("https")));
  auto status = x.wait(scaled(milliseconds{5'000}));
  BOOST_TEST((status && *status == 1));
  BOOST_TEST(x.output().find("nothing secret was sent") != std::string::npos, x.output());
  c.stop("w1", 1);
  (void)other.node.stop(scaled(milliseconds{10'000}));
  auto heard = other.node.output();
  BOOST_TEST(heard.find("/api/v1/cluster/authority") != std::string::npos, heard);
  BOOST_TEST(heard.find("/api/v1/nodes/join") == std::string::npos);
  BOOST_TEST(heard.find(made.substr(made.rfind('-') + 1)) == std::string::npos);
  // The token was not used.
  start_worker("w2", made);
  await("w2");
}

BOOST_FIXTURE_TEST_CASE(certificates_are_renewed_under_a_channel_without_a_lost_picture, short_lives) {
  start_worker("w1", token());
  await("w1");
  bench::viewer_options options;
  options.url = c.watch_url("a", "small");
  options.duration = milliseconds{60'000};
  options.connect_timeout = scaled(milliseconds{10'000});
  options.loop_frames = small_sample_frames();
  std::set<std::string> seen;
  std::atomic<bool> ends{false};
  std::thread looks{[&] {
    while (!ends) {
      seen.insert(read_file(file("w1", "node.pem")));
      ::poll(nullptr, 0, 200);
    }
  }};
  auto watched = bench::watch(options);
  ends = true;
  looks.join();
  for (auto& wrong : bench::problems(watched))
    BOOST_ERROR(wrong);
  BOOST_TEST(seen.size() >= 4u);
  BOOST_TEST(c.daemon_state("w1") == "healthy");
}

BOOST_FIXTURE_TEST_CASE(a_revoked_worker_is_gone_in_two_seconds_and_its_work_moves, fixture) {
  auto many = token(R"(, "uses": 2)");
  start_worker("w1", many);
  await("w1");
  auto client = c.watch("a", "small", 50'000, milliseconds{60'000});
  start_worker("w2", many);
  await("w2");
  revoke("w1");
  c.wait_until(
    "w1 is gone", [&] { return c.daemon_state("w1") != "healthy"; }, milliseconds{2'000});
  BOOST_TEST(client.read_body(client.body().size() + 200'000, scaled(milliseconds{20'000})));
  c.wait_until("its work has moved", [&] { return !c.transcodes_of("w2").empty(); });
  c.wait_until("it is refused", [&] {
    return c.node("coordinator").output().find("a connection to the cluster port is refused") != std::string::npos;
  });
  BOOST_TEST(c.node("w1").running());
  BOOST_TEST(c.daemon_state("w2") == "healthy");
}

BOOST_FIXTURE_TEST_CASE(files_that_are_removed_cut_short_or_swapped_are_mended, fixture) {
  auto many = token(R"(, "uses": 2)");
  start_worker("w1", many);
  await("w1");
  start_worker("w2", many);
  await("w2");
  auto path = file("w1", "node.pem");
  auto whole = read_file(path);
  auto check_mended = [&](const char* what) {
    c.wait_until(what, [&] { return read_file(path) == whole; });
    BOOST_TEST(c.node("w1").running());
  };
  std::filesystem::remove(path);
  check_mended("the file is back");
  std::filesystem::resize_file(path, whole.size() / 2);
  check_mended("the file is whole");
  std::ofstream{path} << read_file(file("w2", "node.pem"));
  check_mended("the file is its own again");
  auto client = c.watch("a", "small", 50'000, milliseconds{60'000});
}

BOOST_FIXTURE_TEST_CASE(a_workers_certificate_does_not_make_a_coordinator, fixture) {
  start_worker("w1", token());
  await("w1");
  // A false coordinator with the worker's certificate, and a worker of the cluster that is led there.
  temporary_folder folder;
  std::vector<std::string> flags{"--role=coordinator",
                                 "--node.state_dir=" + folder.path("state"),
                                 "--http.listen=127.0.0.1:0",
                                 "--cluster.listen=127.0.0.1:0",
                                 "--cluster.port_file=" + folder.path("cluster"),
                                 "--cluster.tls.ca=" + file("w1", "node-ca.pem"),
                                 "--cluster.tls.certificate=" + file("w1", "node.pem"),
                                 "--cluster.tls.key=" + file("w1", "node.pem")};
  process impostor{node_program(), flags, folder.path("node.log")};
  c.wait_until("the false coordinator listens", [&] { return std::filesystem::exists(folder.path("cluster")); });
  auto& led = c.start_worker("led", 1,
                             {"--cluster.coordinator=127.0.0.1:" + port_in(folder.path("cluster")),
                              "--cluster.tls.ca=" + file("w1", "node-ca.pem"),
                              "--cluster.tls.certificate=" + file("w1", "node.pem"),
                              "--cluster.tls.key=" + file("w1", "node.pem")});
  c.wait_until(
    "it does not connect", [&] { return led.output().find("not connected") != std::string::npos; },
    milliseconds{180'000});
  BOOST_TEST(led.output().find("purpose") != std::string::npos, led.output());
}

BOOST_AUTO_TEST_SUITE_END()
