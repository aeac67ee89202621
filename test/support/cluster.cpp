#include "test/support/cluster.hpp"

#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace troupe::test {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double default_scale = 4;
#else
constexpr double default_scale = 1;
#endif

/// Between two looks. What comes quickly is seen at once; what takes its time is not kept busy by who waits for it.
constexpr int poll_ms = 5;
constexpr int long_poll_ms = 25;
constexpr milliseconds long_wait{200};

/// The first worker of a build tries every codec of the machine.
constexpr auto proving_limit = milliseconds{180'000};

/// A node that is asked to end does so with its tasks.
constexpr auto stop_limit = milliseconds{8'000};

/// What else the machine does is no matter of a test: more than all of the time is never waited.
constexpr const char* never_under_pressure = "--cluster.degraded_pressure=100";

constexpr const char* coordinator_key = "coordinator";
constexpr const char* token = "a-token-for-tests-of-the-cluster";

/// A rendition that a busy core makes many times faster than real time.
constexpr const char* small_profile = R"(  small:
    video: {codec: libx264, preset: ultrafast, bit_rate: 600k, keyframe_interval: 1s, b_frames: 0}
    audio: {codec: aac, bit_rate: 96k}
)";

uint16_t read_port(const std::string& file) {
  return static_cast<uint16_t>(std::atoi(read_file(file).c_str()));
}

std::string tail(const std::string& all, size_t lines_max) {
  auto at = all.size();
  for (size_t n = 0; n <= lines_max && at > 0 && at != std::string::npos; ++n)
    at = all.rfind('\n', at - 1);
  return at == std::string::npos ? all : all.substr(at);
}

bool test_failed() {
  auto id = boost::unit_test::framework::current_test_case_id();
  return !boost::unit_test::results_collector.results(id).passed();
}

} // namespace

double time_scale() {
  static const auto result = [] {
    auto given = std::getenv("TROUPE_TEST_TIME_SCALE");
    auto value = given != nullptr ? std::atof(given) : default_scale;
    return value > 0 ? value : default_scale;
  }();
  return result;
}

milliseconds scaled(milliseconds limit) {
  return milliseconds{static_cast<int64_t>(static_cast<double>(limit.count()) * time_scale())};
}

std::string scaled_flag(const std::string& option, milliseconds value) {
  return "--" + option + "=" + std::to_string(scaled(value).count()) + "ms";
}

void check_nothing_left(const std::string& folder) {
  auto nobody = [] {
    reap_orphans();
    return descendants(::getpid()).empty();
  };
  auto deadline = clock::now() + scaled(milliseconds{5'000});
  while (!nobody() && clock::now() < deadline)
    ::poll(nullptr, 0, poll_ms);
  for (auto& x : descendants(::getpid())) {
    BOOST_ERROR("a process is left behind: " << x.pid << " " << x.command);
    ::kill(x.pid, SIGKILL);
  }
  reap_orphans();
  std::error_code ignored;
  for (auto& file : fs::directory_iterator(folder, ignored)) {
    if (file.path().extension() != ".log")
      continue;
    auto log = read_file(file.path().string());
    for (auto sign : {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer",
                      "runtime error:", "terminate called",
                      // What no test does to a process by itself: it broke.
                      "killed by signal 4 ", "killed by signal 5 ", "killed by signal 7 ", "killed by signal 8 ",
                      "killed by signal 11 "})
      if (auto at = log.find(sign); at != std::string::npos)
        BOOST_ERROR(file.path().filename().string() << ": " << log.substr(at, 4000));
  }
}

std::string capability_file() {
  return TROUPE_BINARY_DIR "/test-capabilities.json";
}

std::string node_program() {
  return TROUPE_BINARY_DIR "/bin/caf-node";
}

cluster::cluster(cluster_settings settings) : settings_(std::move(settings)) {
  adopt_orphans();
  write_config();
}

cluster::~cluster() {
  try {
    check_ends();
  } catch (const std::exception& x) {
    BOOST_ERROR("the cluster does not end well: " << x.what());
  }
}

void cluster::write_config() const {
  std::ofstream out{config_file()};
  out << "cluster:\n  token: " << token << "\nchannels:" << (settings_.channels.empty() ? " {}" : "") << "\n";
  for (auto& c : settings_.channels)
    out << "  " << c.name << ": {url: \"" << c.url << "\", loop: " << (c.loop ? "true" : "false") << "}\n";
  out << "profiles:\n" << small_profile << settings_.profiles;
}

// -- nodes --------------------------------------------------------------------

process& cluster::start_coordinator(const std::vector<std::string>& flags) {
  auto http_file = folder_.path("http.port");
  auto cluster_file = folder_.path("cluster.port");
  fs::remove(http_file);
  fs::remove(cluster_file);
  std::vector<std::string> arguments{"--role=coordinator",
                                     "--config=" + config_file(),
                                     "--node.name=coordinator",
                                     "--node.state_dir=" + folder_.path(coordinator_key),
                                     "--http.listen=127.0.0.1:" + std::to_string(http_port_),
                                     "--http.port_file=" + http_file,
                                     "--cluster.listen=127.0.0.1:" + std::to_string(cluster_port_),
                                     "--cluster.port_file=" + cluster_file,
                                     never_under_pressure};
  arguments.insert(arguments.end(), settings_.flags.begin(), settings_.flags.end());
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  auto& result =
    *(nodes_[coordinator_key] = std::make_unique<process>(node_program(), arguments, folder_.path("coordinator.log")));
  // The HTTP port is written last.
  wait_until("the coordinator listens", [&] { return fs::exists(http_file) || !result.running(); });
  BOOST_REQUIRE_MESSAGE(fs::exists(http_file), "the coordinator does not start:\n" << result.output());
  http_port_ = read_port(http_file);
  cluster_port_ = read_port(cluster_file);
  return result;
}

process& cluster::start_worker(const std::string& name, uint32_t slots, const std::vector<std::string>& flags,
                               const std::string& key) {
  auto& id = key.empty() ? name : key;
  std::vector<std::string> arguments{
    "--role=worker", "--config=" + config_file(), "--node.name=" + name, "--node.state_dir=" + folder_.path(id),
    "--cluster.coordinator=127.0.0.1:" + std::to_string(cluster_port_), "--cluster.reconnect_max_delay=1s",
    // What a test leaves running has nowhere to go when all its workers end.
    "--worker.drain_timeout=500ms", "--worker.slots=" + std::to_string(slots),
    "--worker.capability_cache=" + capability_file()};
  arguments.insert(arguments.end(), settings_.flags.begin(), settings_.flags.end());
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  auto environment = settings_.environment.find(name);
  return *(nodes_[id] = std::make_unique<process>(
             settings_.worker_program, arguments, folder_.path(id + ".log"),
             environment == settings_.environment.end() ? std::vector<std::string>{} : environment->second));
}

void cluster::start(const std::vector<std::string>& workers, uint32_t slots) {
  start_coordinator();
  for (auto& name : workers) {
    start_worker(name, slots);
    // One after the other: the first may have to try the codecs, which the others then know.
    wait_until(
      name + " is registered", [&] { return !daemon(name).empty(); }, proving_limit);
  }
}

process& cluster::node(const std::string& key) {
  return *nodes_.at(key);
}

void cluster::stop(const std::string& key, int status) {
  auto x = std::move(nodes_.at(key));
  nodes_.erase(key);
  auto ended = x->stop(scaled(stop_limit));
  BOOST_TEST_MESSAGE(key << " ended with status " << ended.value_or(-1));
  BOOST_CHECK_MESSAGE(ended.has_value(), key << " did not end when it was asked to");
  if (ended)
    BOOST_CHECK_MESSAGE(*ended == status, key << " ended with status " << *ended << " instead of " << status);
}

void cluster::kill(const std::string& key) {
  nodes_.at(key)->kill();
  nodes_.erase(key);
}

void cluster::check_ends() {
  std::vector<std::string> keys;
  for (auto& [key, x] : nodes_)
    if (key != coordinator_key)
      keys.push_back(key);
  if (nodes_.contains(coordinator_key))
    keys.emplace_back(coordinator_key);
  for (auto& key : keys)
    stop(key);
  check_nothing_left(folder_.path());
  if (test_failed())
    BOOST_TEST_MESSAGE(logs());
}

std::string cluster::logs() const {
  std::string result;
  std::error_code ignored;
  for (auto& file : fs::directory_iterator(folder_.path(), ignored))
    if (file.path().extension() == ".log")
      result += "--- " + file.path().filename().string() + "\n" + tail(read_file(file.path().string()), 40) + "\n";
  return result;
}

// -- the API ------------------------------------------------------------------

http_answer cluster::get(const std::string& target, milliseconds limit) const {
  return http_request(http_port_, "GET", target, limit);
}

json::array cluster::daemons() const {
  return list(get("/api/v1/daemons").json(), "daemons");
}

json::object cluster::daemon(const std::string& name) const {
  json::object result;
  for (auto& x : daemons())
    if (text(x.get_object(), "name") == name
        && (result.empty() || count(x.get_object(), "registered_at_ms") >= count(result, "registered_at_ms")))
      result = x.get_object();
  return result;
}

std::string cluster::daemon_state(const std::string& name) const {
  return text(daemon(name), "state");
}

std::vector<pid_t> cluster::transcodes_of(const std::string& worker) const {
  std::vector<pid_t> result;
  for (auto& x : list(daemon(worker), "tasks"))
    if (text(x.get_object(), "kind") == "transcode")
      result.push_back(static_cast<pid_t>(count(object(x.get_object(), "process"), "pid")));
  return result;
}

json::array cluster::sessions() const {
  return list(get("/api/v1/sessions").json(), "sessions");
}

json::object cluster::session(const std::string& channel) const {
  for (auto& x : sessions())
    if (text(x.get_object(), "channel") == channel)
      return x.get_object();
  return {};
}

json::object cluster::variant(const std::string& channel, const std::string& profile) const {
  for (auto& x : list(session(channel), "variants"))
    if (text(x.get_object(), "profile") == profile)
      return x.get_object();
  return {};
}

std::string cluster::watch_url(const std::string& channel, const std::string& profile) const {
  return "http://127.0.0.1:" + std::to_string(http_port_) + "/live/" + channel + "/" + profile + ".ts";
}

http_stream cluster::watch(const std::string& channel, const std::string& profile, size_t bytes,
                           milliseconds limit) const {
  http_stream result{http_port_};
  result.get("/live/" + channel + "/" + profile + ".ts");
  auto status = result.read_head(scaled(limit));
  if (status != 200)
    (void)result.read_all(scaled(limit)); // for the reason
  BOOST_REQUIRE_MESSAGE(status == 200,
                        channel << "/" << profile << " does not play: " << result.head() << result.body());
  auto there = result.read_body(bytes, scaled(limit));
  BOOST_REQUIRE_MESSAGE(there, channel << "/" << profile << " plays " << result.body().size() << " bytes and no more"
                                       << (result.closed() ? ": the stream ended" : ""));
  return result;
}

// -- waiting ------------------------------------------------------------------

void cluster::wait_until(const std::string& what, const std::function<bool()>& holds, milliseconds limit) const {
  auto since = clock::now();
  while (!holds()) {
    auto waited = clock::now() - since;
    if (waited >= scaled(limit)) {
      BOOST_TEST_MESSAGE("daemons: " << get("/api/v1/daemons").body.substr(0, 4000));
      BOOST_TEST_MESSAGE("sessions: " << get("/api/v1/sessions").body.substr(0, 4000));
      BOOST_FAIL("not in time: " << what);
    }
    ::poll(nullptr, 0, waited < long_wait ? poll_ms : long_poll_ms);
  }
}

} // namespace troupe::test
