#include "rig/node_cluster.hpp"

#include "base/json.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

using namespace base::reading;
namespace fs = std::filesystem;
namespace json = boost::json;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds port_limit{60'000};
constexpr milliseconds idle_limit{30'000};

/// Time between two checks of a condition: short at first, and longer after `long_wait`, so that checks cost little.
constexpr int poll_ms = 5;
constexpr int long_poll_ms = 25;
constexpr milliseconds long_wait{200};

/// Viewers of the rig play as pages of other origins do, and its waits ask often. Flags override this.
const std::vector<std::string> lenient{"TROUPE_HTTP_OPEN_CHANNELS=true", "TROUPE_HTTP_REQUESTS_PER_SECOND=1000000",
                                       "TROUPE_HTTP_REQUESTS_BURST=1000000"};

constexpr const char* coordinator_key = "coordinator";

uint16_t read_port(const std::string& file) {
  uint16_t result = 0;
  std::ifstream in{file};
  in >> result;
  return result;
}

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

} // namespace

std::string node_program() {
  auto result = fs::path{own_program()}.parent_path() / "caf-node";
  if (!fs::exists(result))
    throw std::runtime_error("there is no " + result.string() + "; build caf-node next to this program");
  return result.string();
}

std::string capability_cache(const std::string& folder) {
  auto programs = fs::path{own_program()}.parent_path();
  auto build = programs.parent_path();
  if (::access(build.c_str(), W_OK) != 0)
    return folder + "/capabilities.json";
  auto result = build / "bench-capabilities.json";
  std::error_code ignored;
  if (fs::last_write_time(result, ignored) < fs::last_write_time(programs / "caf-node", ignored))
    fs::remove(result, ignored);
  return result.string();
}

node_cluster::node_cluster(node_cluster_settings settings) : settings_(std::move(settings)) {
  fs::create_directories(settings_.folder);
  std::ofstream{config_file()} << settings_.config;
}

node_cluster::~node_cluster() {
  for (auto& key : keys())
    nodes_.erase(key);
}

// -- nodes --------------------------------------------------------------------

std::vector<std::string> node_cluster::arguments(const std::string& role, const std::string& name,
                                                 const std::string& key) const {
  return {"--role=" + role, "--config=" + config_file(), "--node.name=" + name,
          "--node.state_dir=" + settings_.folder + "/" + key,
          // Sources, callbacks and files of tests and benchmarks are on this machine.
          "--urls.loopback=true", "--paths.read=/", "--paths.write=/"};
}

process& node_cluster::start_coordinator(const std::vector<std::string>& flags) {
  auto http_file = settings_.folder + "/http.port";
  auto cluster_file = settings_.folder + "/cluster.port";
  fs::remove(http_file);
  fs::remove(cluster_file);
  auto words = arguments("coordinator", "coordinator", coordinator_key);
  append(words, {"--http.listen=127.0.0.1:" + std::to_string(http_port_), "--http.port_file=" + http_file,
                 "--cluster.listen=" + settings_.host + ":" + std::to_string(cluster_port_),
                 "--cluster.port_file=" + cluster_file,
                 // Other load on this machine is part of a test, not a reason to refuse work.
                 "--cluster.degraded_pressure=100"});
  append(words, settings_.flags);
  append(words, flags);
  auto log = settings_.folder + "/" + coordinator_key + ".log";
  auto& result = *(nodes_[coordinator_key] = std::make_unique<process>(node_program(), words, log, lenient));
  // The HTTP port is written last.
  wait_until(
    "the coordinator listens", [&] { return read_port(http_file) != 0 || !result.running(); }, port_limit);
  http_port_ = read_port(http_file);
  cluster_port_ = read_port(cluster_file);
  if (http_port_ == 0)
    throw std::runtime_error("the coordinator does not start:\n" + result.output());
  return result;
}

process& node_cluster::start_worker(const std::string& name, const worker_settings& settings) {
  auto& key = settings.key.empty() ? name : settings.key;
  auto words = arguments("worker", name, key);
  words.push_back("--cluster.coordinator=" + settings_.host + ":" + std::to_string(cluster_port_));
  append(words, settings_.flags);
  append(words, settings.flags);
  auto program = settings_.worker_program.empty() ? node_program() : settings_.worker_program;
  return *(nodes_[key] = std::make_unique<process>(program, words, settings_.folder + "/" + key + ".log",
                                                   settings.environment, settings.network));
}

process& node_cluster::node(const std::string& key) const {
  return *nodes_.at(key);
}

std::unique_ptr<process> node_cluster::take(const std::string& key) {
  auto result = std::move(nodes_.at(key));
  nodes_.erase(key);
  return result;
}

std::vector<std::string> node_cluster::keys() const {
  std::vector<std::string> result;
  for (auto& [key, x] : nodes_)
    result.push_back(key);
  std::stable_partition(result.begin(), result.end(), [](auto& key) { return key != coordinator_key; });
  return result;
}

std::string node_cluster::config_file() const {
  return settings_.folder + "/cluster.yaml";
}

// -- the API ------------------------------------------------------------------

http_answer node_cluster::get(const std::string& target, milliseconds limit) const {
  return http_request(http_port_, "GET", target, limit);
}

json::array node_cluster::daemons() const {
  return list(get("/api/v1/daemons").json(), "daemons");
}

json::object node_cluster::daemon(const std::string& name) const {
  json::object result;
  for (auto& x : daemons())
    if (text(x, "name") == name
        && (result.empty() || count(x, "registered_at_ms") >= count(result, "registered_at_ms")))
      result = x.get_object();
  return result;
}

json::array node_cluster::sessions() const {
  return list(get("/api/v1/sessions").json(), "sessions");
}

json::object node_cluster::session(const std::string& channel) const {
  for (auto& x : sessions())
    if (text(x, "channel") == channel)
      return x.get_object();
  return {};
}

json::object node_cluster::variant(const std::string& channel, const std::string& profile) const {
  for (auto& x : list(session(channel), "variants"))
    if (text(x, "profile") == profile)
      return x.get_object();
  return {};
}

std::string node_cluster::watch_url(const std::string& channel, const std::string& profile) const {
  return "http://127.0.0.1:" + std::to_string(http_port_) + "/live/" + channel + "/" + profile + ".ts";
}

// -- waiting ------------------------------------------------------------------

void node_cluster::wait_until(const std::string& what, const std::function<bool()>& holds, milliseconds limit) const {
  auto since = clock::now();
  while (!holds()) {
    auto waited = clock::now() - since;
    if (waited >= limit)
      throw std::runtime_error("not in time: " + what + "\n" + state());
    ::poll(nullptr, 0, waited < long_wait ? poll_ms : long_poll_ms);
  }
}

void node_cluster::check_running() const {
  for (auto& [key, x] : nodes_)
    if (!x->running())
      throw std::runtime_error(key + " has ended:\n" + state());
}

void node_cluster::wait_until_idle() const {
  wait_until(
    "the channels stop without clients",
    [this] {
      auto all = get("/api/v1/sessions").json();
      return member(all, "sessions").is_array() && list(all, "sessions").empty();
    },
    idle_limit);
}

std::string node_cluster::logs() const {
  std::string result;
  std::error_code ignored;
  for (auto& file : fs::directory_iterator(settings_.folder, ignored))
    if (file.path().extension() == ".log")
      result += "--- " + file.path().filename().string() + "\n" + tail_of(file.path().string()) + "\n";
  return result;
}

std::string node_cluster::state() const {
  constexpr size_t answer_bytes_max = 4000;
  std::string result;
  for (auto* what : {"/api/v1/sessions", "/api/v1/daemons"})
    result += get(what).body.substr(0, answer_bytes_max) + "\n";
  return result + logs();
}

} // namespace troupe::bench
