// Goal: with certificates configured, only nodes with a certificate of the cluster's CA take part, and strangers do no
// harm.
// Method: an operator's CA and certificates, made by test/support/make_certs.sh; a channel is watched over mutual TLS.
// Then strangers of each kind connect to the cluster port: without certificate, with a foreign CA's, in plain text,
// with nonsense.
#include "rig/viewer.hpp"
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>

using namespace troupe::test;
namespace bench = troupe::bench;

BOOST_AUTO_TEST_SUITE(tls_test)

namespace {

/// A CA with a certificate for localhost in a folder of its own.
class authority {
public:
  authority() {
    process maker{
      TROUPE_SOURCE_DIR "/test/support/make_certs.sh", {folder_.path(), "localhost"}, folder_.path("make-certs.log")};
    auto status = maker.wait(scaled(milliseconds{20'000}));
    BOOST_REQUIRE_MESSAGE((status && *status == 0), "no certificates: " << maker.output());
  }

  std::vector<std::string> flags() const {
    return {"--cluster.tls.ca=" + folder_.path("ca.pem"), "--cluster.tls.certificate=" + folder_.path("localhost.pem"),
            "--cluster.tls.key=" + folder_.path("localhost.key")};
  }

private:
  temporary_folder folder_;
};

cluster_settings one_channel(std::vector<std::string> flags = {}) {
  return {{{"a", media("h264.ts")}}, std::move(flags), {}};
}

/// Starts a worker that must not join the cluster, waits until it logs "not connected", and checks that the channel
/// still plays.
void check_kept_out(cluster& c, const std::vector<std::string>& flags, const std::string& key) {
  BOOST_TEST_CONTEXT("a stranger: " << key) {
    auto& stranger = c.start_worker(key, 1, flags);
    c.wait_until(
      "the stranger finds the door closed",
      [&] { return stranger.output().find("not connected") != std::string::npos; }, milliseconds{30'000});
    BOOST_TEST(c.daemon(key).empty());
    c.stop(key);
    auto client = c.watch("a", "small", 50'000);
    BOOST_TEST(c.daemon_state("w1") == "healthy");
  }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_channel_plays_over_mutual_tls) {
  authority ours;
  cluster c{one_channel(ours.flags())};
  c.start({"w1"}, 1);
  BOOST_TEST(c.node("coordinator").output().find("tls=true") != std::string::npos);
  bench::viewer_options options;
  options.url = c.watch_url("a", "small");
  options.duration = milliseconds{6'000};
  options.connect_timeout = scaled(milliseconds{10'000});
  options.loop_frames = small_sample_frames();
  auto seen = bench::watch(options);
  for (auto& wrong : bench::problems(seen))
    BOOST_ERROR(wrong);
  BOOST_TEST(seen.seen.frames.size() > 60u);
}

BOOST_AUTO_TEST_CASE(strangers_are_kept_out_and_the_port_goes_on) {
  authority ours;
  authority theirs;
  cluster c{one_channel()};
  c.start_coordinator(ours.flags());
  c.start_worker("w1", 1, ours.flags());
  c.wait_until(
    "w1 is registered", [&] { return !c.daemon("w1").empty(); }, milliseconds{180'000});
  check_kept_out(c, {}, "plain");
  check_kept_out(c, theirs.flags(), "foreign");
  // A stranger may have the public certificate of our CA; only a certificate that this CA has signed counts.
  auto mixed = theirs.flags();
  mixed[0] = ours.flags()[0];
  check_kept_out(c, mixed, "mixed");

  // Clients that send nothing, nonsense or HTTP.
  std::vector<http_stream> silent;
  for (int i = 0; i < 10; ++i)
    silent.emplace_back(c.cluster_port());
  for (auto words : {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\x16\x03\x01\xff\xff nonsense", "BASP"}) {
    http_stream visitor{c.cluster_port()};
    (void)visitor.send(words, milliseconds{1'000});
    (void)visitor.read(milliseconds{200});
  }
  auto client = c.watch("a", "small", 50'000);
  c.start_worker("w2", 1, ours.flags());
  c.wait_until("a welcome worker gets in", [&] { return c.daemon_state("w2") == "healthy"; });
}

BOOST_AUTO_TEST_CASE(a_worker_with_certificates_does_not_trust_a_coordinator_without) {
  authority ours;
  cluster c{one_channel()};
  c.start_coordinator();
  auto& careful = c.start_worker("careful", 1, ours.flags());
  c.wait_until(
    "it does not connect", [&] { return careful.output().find("not connected") != std::string::npos; },
    milliseconds{180'000});
  BOOST_TEST(c.daemons().empty());
}

BOOST_AUTO_TEST_CASE(a_crowd_of_strangers_ends_no_coordinator_and_leaves_room_for_the_api) {
  authority ours;
  temporary_folder folder;
  // The node may open fewer descriptors than there are strangers, and cannot raise that limit.
  std::vector<std::string> flags{"-c",
                                 "ulimit -n 200 && exec \"$0\" \"$@\"",
                                 node_program(),
                                 "--role=coordinator",
                                 "--node.state_dir=" + folder.path("state"),
                                 "--http.listen=127.0.0.1:0",
                                 "--http.port_file=" + folder.path("http"),
                                 "--cluster.listen=127.0.0.1:0",
                                 "--cluster.port_file=" + folder.path("cluster")};
  for (auto& x : ours.flags())
    flags.push_back(x);
  process node{"/bin/sh", flags, folder.path("node.log")};
  auto port_in = [&](const std::string& name) {
    auto deadline = clock::now() + scaled(milliseconds{20'000});
    while (!std::filesystem::exists(folder.path(name)) && clock::now() < deadline)
      (void)node.wait(milliseconds{5});
    BOOST_REQUIRE_MESSAGE(std::filesystem::exists(folder.path(name)), node.output());
    return static_cast<uint16_t>(std::stoi(read_file(folder.path(name))));
  };
  auto http = port_in("http");
  auto nodes = port_in("cluster");
  {
    std::vector<http_stream> silent;
    for (int i = 0; i < 220; ++i) {
      silent.emplace_back(nodes);
      silent.emplace_back(http);
    }
    BOOST_TEST(http_request(http, "GET", "/healthz").status == 200);
    BOOST_TEST(http_request(http, "GET", "/api/v1/daemons").status == 200);
    BOOST_TEST(node.running());
  }
  BOOST_TEST(http_request(http, "GET", "/healthz").status == 200);
  BOOST_TEST(node.output().find("fewer connections are accepted") != std::string::npos);
  BOOST_TEST(node.output().find("a connection to the cluster port is refused") != std::string::npos);
  auto status = node.stop(scaled(milliseconds{10'000}));
  BOOST_TEST((status && *status == 0));
}

BOOST_AUTO_TEST_CASE(a_node_leaves_its_machine_without_tls_only_where_it_is_told_so) {
  temporary_folder folder;
  auto start = [&](const std::vector<std::string>& more) {
    std::vector<std::string> flags{"--role=coordinator", "--node.state_dir=" + folder.path("state"),
                                   "--http.listen=127.0.0.1:0", "--cluster.listen=0.0.0.0:0",
                                   "--cluster.port_file=" + folder.path("port")};
    flags.insert(flags.end(), more.begin(), more.end());
    return process{node_program(), flags, folder.path("node.log")};
  };
  auto await_port = [&](process& x) {
    auto deadline = clock::now() + scaled(milliseconds{10'000});
    while (!std::filesystem::exists(folder.path("port")) && clock::now() < deadline)
      (void)x.wait(milliseconds{5});
    BOOST_TEST(std::filesystem::exists(folder.path("port")), x.output());
  };
  {
    auto usual = start({});
    await_port(usual);
    (void)usual.stop(scaled(milliseconds{10'000}));
    BOOST_TEST(usual.output().find("tls=true") != std::string::npos);
    BOOST_TEST(usual.output().find("without TLS") == std::string::npos);
  }
  std::filesystem::remove(folder.path("port"));

  // If the configuration allows it, the node starts without TLS, and warns at each start.
  auto insecure = start({"--cluster.insecure=true"});
  await_port(insecure);
  BOOST_TEST(insecure.output().find("warning") != std::string::npos);
  BOOST_TEST(insecure.output().find("without TLS") != std::string::npos);

  // A worker without a certificate does not try to reach another machine.
  process worker{node_program(),
                 {"--role=worker", "--node.state_dir=" + folder.path("worker"), "--coordinator=192.0.2.1"},
                 folder.path("worker.log")};
  auto status = worker.wait(scaled(milliseconds{10'000}));
  BOOST_TEST((status && *status == 1));
  BOOST_TEST(worker.output().find("caf-ctl join-token create") != std::string::npos, worker.output());
}

BOOST_AUTO_TEST_SUITE_END()
