// Goal: any wrong input quickly gets a clear error with the right status, and disturbs no other work.
// Method: one cluster with a channel for each kind of bad source, and a healthy one that a client watches throughout
// without a gap. Broken requests are sent byte by byte. Broken configurations go to separate nodes.
#include "test/cluster/media.hpp"
#include "test/cluster/web_server.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(bad_input_test)

namespace {

constexpr auto answer_limit = milliseconds{8'000};

/// Reads a healthy channel in a thread of its own: a client that must not be disturbed by the other requests.
class bystander {
public:
  bystander(const cluster& c, const std::string& channel)
    : stream_(c.watch(channel, "small")), thread_([this] { run(); }) {}

  ~bystander() {
    done_ = true;
    thread_.join();
    BOOST_TEST(!stream_.closed(), "the healthy channel ended");
    BOOST_TEST(longest_gap_.count() < scaled(milliseconds{2'000}).count(),
               "the healthy channel paused for " << longest_gap_.count() << " ms");
  }

private:
  void run() {
    auto before = clock::now();
    while (!done_ && !stream_.closed()) {
      if (!stream_.read(milliseconds{100}))
        continue;
      auto now = clock::now();
      longest_gap_ = std::max(longest_gap_, std::chrono::duration_cast<milliseconds>(now - before));
      before = now;
      (void)stream_.take_body();
    }
    longest_gap_ = std::max(longest_gap_, std::chrono::duration_cast<milliseconds>(clock::now() - before));
  }

  http_stream stream_;
  milliseconds longest_gap_{0};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

/// Writes the first `share` of the file `whole` to a new file called `name`.
std::string truncated(const temporary_folder& folder, const std::string& name, const std::string& whole, double share) {
  auto bytes = read_file(whole);
  std::ofstream out{folder.path(name), std::ios::binary};
  out.write(bytes.data(), static_cast<std::streamsize>(static_cast<double>(bytes.size()) * share));
  return folder.path(name);
}

std::string with_content(const temporary_folder& folder, const std::string& name, const std::string& content) {
  std::ofstream{folder.path(name), std::ios::binary} << content;
  return folder.path(name);
}

/// GET of a live stream that must fail: status within `statuses`, a problem in JSON with these words in its detail.
void check_refused(const cluster& c, const std::string& target, std::set<int> statuses, const std::string& words) {
  BOOST_TEST_CONTEXT("GET " << target) {
    auto before = clock::now();
    auto answer = c.get(target, scaled(milliseconds{20'000}));
    auto took = std::chrono::duration_cast<milliseconds>(answer.at - before);
    BOOST_TEST(statuses.contains(answer.status), answer.status << " " << answer.error << " " << answer.body);
    BOOST_TEST(answer.field("content-type") == "application/problem+json");
    auto value = answer.json();
    BOOST_REQUIRE(value.is_object());
    auto detail = text(value.get_object(), "detail");
    BOOST_TEST_MESSAGE(target << ": " << answer.status << " after " << took.count() << " ms: " << detail);
    BOOST_TEST(detail.find(words) != std::string::npos, detail);
    BOOST_TEST(took.count() < scaled(answer_limit).count());
  }
}

/// Starts a node that must refuse to start. Returns its output after it has ended with status 2.
std::string refused_start(const temporary_folder& folder, std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"--role=coordinator", "--node.state_dir=" + folder.path("state"),
                               "--http.listen=127.0.0.1:0", "--cluster.listen=127.0.0.1:0"});
  auto log = folder.path("refused.log");
  std::filesystem::remove(log);
  process node{node_program(), flags, log};
  auto status = node.wait(scaled(milliseconds{5'000}));
  BOOST_TEST((status && *status == 2), "the node does not refuse its configuration");
  return node.output();
}

/// The head of the answer to raw bytes.
std::string answer_to(const cluster& c, const std::string& bytes) {
  http_stream connection{c.http_port()};
  (void)connection.send(bytes, scaled(milliseconds{5'000})); // the server may close before it took all
  (void)connection.read_head(scaled(milliseconds{5'000}));
  return connection.head();
}

} // namespace

BOOST_AUTO_TEST_CASE(each_bad_source_gets_its_reason_and_a_healthy_channel_goes_on) {
  temporary_folder folder;
  web_server page{
    "<!DOCTYPE html><html><head><title>Not here</title></head><body><p>No such stream.</p></body></html>"};
  auto good = media("h264.ts");
  cluster_settings settings{
    {{"healthy", good},
     {"missing", folder.path("nothing-here.ts")},
     {"folder", folder.path()},
     {"closed", "http://127.0.0.1:" + std::to_string(closed_port()) + "/live.ts"},
     {"html", "http://127.0.0.1:" + std::to_string(page.port()) + "/live.ts"},
     {"empty", with_content(folder, "empty.ts", {})},
     {"noise", with_content(folder, "noise.ts", std::string(50'000, 'x'))},
     {"headless", truncated(folder, "headless.mp4", media("h264.mp4"), 0.5)},
     {"scheme", "nosuchscheme://127.0.0.1/live"},
     {"once", good, false}},
    // A busy machine's pauses are not to look like a worker's failures.
    {scaled_flag("cluster.selection_timeout", milliseconds{1'000}), "--live.stall_min=5s"},
    "  strange:\n    video: {codec: nosuchencoder}\n"
    "  forbidden:\n    video: {codec: libx264, preset: ultrafast, options: {stats: /tmp/should-not-be-written}}\n"
    "  nonsense:\n    video: {codec: libx264, preset: nosuchpreset}\n"};
  cluster c{std::move(settings)};
  c.start({"w1"}, 4);
  bystander healthy{c, "healthy"};
  check_refused(c, "/live/missing/small.ts", {502}, "No such file");
  check_refused(c, "/live/folder/small.ts", {502}, "");
  check_refused(c, "/live/closed/small.ts", {502}, "refused");
  check_refused(c, "/live/html/small.ts", {502}, "");
  check_refused(c, "/live/empty/small.ts", {502}, "");
  check_refused(c, "/live/noise/small.ts", {502}, "");
  check_refused(c, "/live/headless/small.ts", {502}, "");
  check_refused(c, "/live/scheme/small.ts", {502}, "");
  check_refused(c, "/live/nobody/small.ts", {404}, "nobody");
  check_refused(c, "/live/healthy/nothing.ts", {404}, "nothing");
  check_refused(c, "/live/once/strange.ts", {502, 503}, "nosuchencoder");
  check_refused(c, "/live/once/forbidden.ts", {502}, "stats");
  check_refused(c, "/live/once/nonsense.ts", {502}, "preset");
  // Failed channels leave no session, and the worker is not to be blamed for bad media or options.
  c.wait_until("only the healthy channel is left", [&] { return c.sessions().size() == 1u; });
  // A failure would count for a minute; a heartbeat that a busy machine delays is forgotten with the next heartbeat.
  c.wait_until("nobody blames the worker", [&] { return c.daemon_state("w1") == "healthy"; });
  BOOST_TEST(!std::filesystem::exists("/tmp/should-not-be-written"));
}

BOOST_AUTO_TEST_CASE(a_truncated_stream_plays_as_far_as_it_goes) {
  temporary_folder folder;
  cluster c{{{{"short", truncated(folder, "short.ts", media("h264.ts"), 0.31), false}}, {}, {}}};
  c.start({"w1"}, 1);
  auto stream = c.watch("short", "small", 50'000);
  while (stream.read(scaled(milliseconds{5'000}))) {
    // until its end
  }
  BOOST_TEST(stream.closed());
  BOOST_TEST(stream.body().size() > 100'000u);
  c.wait_until("the channel is gone", [&] { return c.sessions().empty() && count(c.daemon("w1"), "slots_used") == 0; });
}

BOOST_AUTO_TEST_CASE(malformed_requests_get_their_status_and_the_next_client_is_served) {
  cluster c{{{{"a", media("h264.ts")}}, {}, {}}};
  c.start_coordinator();
  std::string large(1'000'000, 'h');
  std::string path(100'000, 'p');
  BOOST_TEST(
    answer_to(c, "GET /api/v1/daemons HTTP/1.1\r\nHost: localhost\r\nX-Large: " + large + "\r\n\r\n").find(" 431 ")
    != std::string::npos);
  BOOST_TEST(answer_to(c, "GET /" + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n").find(" 414 ") != std::string::npos);
  BOOST_TEST(answer_to(c, "nonsense\r\n\r\n").find(" 400 ") != std::string::npos);
  BOOST_TEST(answer_to(c, "GET /live/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n").find(" 40")
             != std::string::npos);
  BOOST_TEST(answer_to(c, "GET /live/%zz/x.ts HTTP/1.1\r\nHost: localhost\r\n\r\n").find(" 400 ") != std::string::npos);
  BOOST_TEST(answer_to(c, "BREW /api/v1/daemons HTTP/1.1\r\nHost: localhost\r\n\r\n").find(" 40") != std::string::npos);
  BOOST_TEST(answer_to(c, "DELETE /api/v1/channels HTTP/1.1\r\nHost: localhost\r\n\r\n").find(" 405 ")
             != std::string::npos);
  BOOST_TEST(c.get("/healthz").status == 200);
  BOOST_TEST(c.get("/api/v1/channels").status == 200);
}

BOOST_AUTO_TEST_CASE(a_check_of_the_configuration_tries_the_encoders_and_sources_that_it_names) {
  temporary_folder folder;
  auto check = [&](const std::string& content, const std::string& name) {
    process node{node_program(),
                 {"--check-config", "--config=" + with_content(folder, name, content)},
                 folder.path(name + ".log")};
    auto status = node.wait(scaled(milliseconds{10'000}));
    return std::pair{status.value_or(-1), node.output()};
  };
  auto [good, nothing] = check("channels:\n  a: {url: \"http://example.org/a.ts\"}\nprofiles:\n"
                               "  p: {video: {codec: libx264, preset: fast}, audio: {codec: aac}}\n",
                               "good.yaml");
  BOOST_TEST(good == 0, nothing);
  auto [bad, said] = check("channels:\n  a: {url: \"gopher://127.0.0.1/a.ts\"}\nprofiles:\n"
                           "  p: {video: {codec: libx364}}\n"
                           "  q: {video: {codec: libx264, preset: quickest}}\n"
                           "  r: {video: {codec: libx264, options: {stats: x}}}\n"
                           "  s: {video: {codec: copy}, audio: {codec: acc}}\n",
                           "bad.yaml");
  BOOST_TEST(bad == 2);
  for (auto words : {"channels.a", "gopher", "profiles.p.video", "libx364", "profiles.q.video", "quickest",
                     "profiles.r.video", "stats", "profiles.s.audio", "acc"})
    BOOST_TEST(said.find(words) != std::string::npos, "'" << words << "' is not in: " << said);
}

BOOST_AUTO_TEST_CASE(a_node_refuses_a_wrong_configuration_and_says_where_it_is_wrong) {
  temporary_folder folder;
  auto file = [&](const std::string& content) { return with_content(folder, "wrong.yaml", content); };
  auto check = [&](const std::string& content, const std::vector<std::string>& words) {
    auto output = refused_start(folder, {"--config=" + file(content)});
    for (auto& w : words)
      BOOST_TEST(output.find(w) != std::string::npos, "'" << w << "' is not in: " << output);
  };
  check("channels:\n  a: {url: x.ts}}\n", {"wrong.yaml:2", "YAML"});
  check("channels:\n  a: {url: [unclosed\n", {"wrong.yaml:", "YAML"});
  check("channels:\n  a:\n    urk: x.ts\n", {"wrong.yaml:3", "urk"});
  check("live:\n  idle_timeout: soon\n", {"wrong.yaml:2", "live.idle_timeout"});
  check("worker:\n  slots: 100000\n", {"wrong.yaml:2", "worker.slots", "1024"});
  check(std::string(100'000, '['), {"wrong.yaml"});
  BOOST_TEST(refused_start(folder, {"--config=" + folder.path("none.yaml")}).find("none.yaml") != std::string::npos);
  BOOST_TEST(refused_start(folder, {"--no.such.flag=1"}).find("no.such.flag") != std::string::npos);
  BOOST_TEST(refused_start(folder, {"--cluster.join=TROUPE1-A"}).find("cluster.join") != std::string::npos);
  BOOST_TEST(refused_start(folder, {"--http.listen=0.0.0.0:0"}).find("http.insecure") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
