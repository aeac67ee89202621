#include "test/support/cluster.hpp"
#include "test/support/build_kind.hpp"

#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace troupe::test {

namespace {

namespace fs = std::filesystem;

constexpr double default_scale = instrumented ? 4 : 1;

/// The first worker of a build tries every codec of the machine.
constexpr auto proving_limit = milliseconds{180'000};

/// A node that is asked to end does so with its tasks.
constexpr auto stop_limit = milliseconds{8'000};

constexpr const char* token = "a-token-for-tests-of-the-cluster";

/// A rendition that a busy core makes many times faster than real time.
constexpr const char* small_profile = R"(  small:
    video: {codec: libx264, preset: ultrafast, bit_rate: 600k, keyframe_interval: 1s, b_frames: 0}
    audio: {codec: aac, bit_rate: 96k}
)";

std::string config_of(const cluster_settings& x) {
  auto result = std::string{"cluster:\n  token: "} + token + "\nchannels:" + (x.channels.empty() ? " {}" : "") + "\n";
  for (auto& c : x.channels)
    result += "  " + c.name + ": {url: \"" + c.url + "\", loop: " + (c.loop ? "true" : "false") + "}\n";
  return result + "profiles:\n" + small_profile + x.profiles;
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
    ::poll(nullptr, 0, 5);
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
                      // Signals that no test sends: the process crashed.
                      "killed by signal 4 ", "killed by signal 5 ", "killed by signal 7 ", "killed by signal 8 ",
                      "killed by signal 11 "})
      if (auto at = log.find(sign); at != std::string::npos)
        BOOST_ERROR(file.path().filename().string() << ": " << log.substr(at, 4000));
  }
}

std::string capability_file() {
  return TROUPE_BINARY_DIR "/test-capabilities.json";
}

cluster::cluster(cluster_settings settings) : cluster(std::move(settings), std::make_unique<temporary_folder>()) {}

cluster::cluster(cluster_settings settings, std::unique_ptr<temporary_folder> folder)
  : node_cluster({folder->path(), config_of(settings), settings.flags, settings.worker_program}),
    environment_(std::move(settings.environment)),
    folder_(std::move(folder)) {
  adopt_orphans();
}

cluster::~cluster() {
  try {
    check_ends();
  } catch (const std::exception& x) {
    BOOST_ERROR("the cluster does not end well: " << x.what());
  }
}

// -- nodes --------------------------------------------------------------------

process& cluster::start_worker(const std::string& name, uint32_t slots, const std::vector<std::string>& flags,
                               const std::string& key) {
  // A short drain: when all workers end, renditions that a test left running cannot move to another worker.
  std::vector<std::string> all{"--cluster.reconnect_max_delay=1s", "--worker.drain_timeout=500ms",
                               "--worker.slots=" + std::to_string(slots),
                               "--worker.capability_cache=" + capability_file()};
  all.insert(all.end(), flags.begin(), flags.end());
  auto environment = environment_.find(name);
  return node_cluster::start_worker(
    name, {.flags = std::move(all),
           .key = key,
           .environment = environment == environment_.end() ? std::vector<std::string>{} : environment->second});
}

void cluster::start(const std::vector<std::string>& workers, uint32_t slots) {
  start_coordinator();
  for (auto& name : workers) {
    start_worker(name, slots);
    // One after the other: the first worker may have to test the codecs; the others then use its results.
    wait_until(
      name + " is registered", [&] { return !daemon(name).empty(); }, proving_limit);
  }
}

void cluster::stop(const std::string& key, int status) {
  auto x = take(key);
  auto ended = x->stop(scaled(stop_limit));
  BOOST_TEST_MESSAGE(key << " ended with status " << ended.value_or(-1));
  BOOST_CHECK_MESSAGE(ended.has_value(), key << " did not end when it was asked to");
  if (ended)
    BOOST_CHECK_MESSAGE(*ended == status, key << " ended with status " << *ended << " instead of " << status);
}

void cluster::kill(const std::string& key) {
  take(key)->kill();
}

void cluster::check_ends() {
  for (auto& key : keys())
    stop(key);
  check_nothing_left(folder_->path());
  if (test_failed())
    BOOST_TEST_MESSAGE(logs());
}

// -- the API ------------------------------------------------------------------

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

http_stream cluster::watch(const std::string& channel, const std::string& profile, size_t bytes,
                           milliseconds limit) const {
  http_stream result{http_port()};
  result.get("/live/" + channel + "/" + profile + ".ts");
  auto status = result.read_head(scaled(limit));
  if (status != 200)
    (void)result.read_all(scaled(limit)); // reads the reason, too
  BOOST_REQUIRE_MESSAGE(status == 200,
                        channel << "/" << profile << " does not play: " << result.head() << result.body());
  auto there = result.read_body(bytes, scaled(limit));
  BOOST_REQUIRE_MESSAGE(there, channel << "/" << profile << " plays " << result.body().size() << " bytes and no more"
                                       << (result.closed() ? ": the stream ended" : ""));
  return result;
}

// -- waiting ------------------------------------------------------------------

void cluster::wait_until(const std::string& what, const std::function<bool()>& holds, milliseconds limit) const {
  node_cluster::wait_until(what, holds, scaled(limit));
}

} // namespace troupe::test
