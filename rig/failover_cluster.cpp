#include "rig/failover_cluster.hpp"

#include "base/json.hpp"
#include "rig/api.hpp"
#include "rig/http_client.hpp"

#include <boost/json.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <signal.h>

namespace troupe::bench {

namespace {

using namespace base::reading;
namespace json = boost::json;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds poll_interval{20};
constexpr milliseconds ready_limit{240'000}; ///< includes the testing of codecs
constexpr milliseconds idle_limit{30'000};
constexpr milliseconds request_limit{5'000};

constexpr const char* channel = "channel";

std::string name_of(size_t worker) {
  return "w" + std::to_string(worker + 1);
}

json::value get(uint16_t port, const std::string& target) {
  return api_get(port, target, request_limit);
}

json::value variant_of(uint16_t port, const std::string& profile) {
  for (auto& session : list(get(port, "/api/v1/sessions"), "sessions"))
    for (auto& x : list(session, "variants"))
      if (text(session, "channel") == channel && text(x, "profile") == profile)
        return x;
  return {};
}

} // namespace

failover_cluster::failover_cluster(failover_cluster_options options) : options_(std::move(options)) {
  write_config();
  start_coordinator();
  // One after the other: the first may have to test the codecs; the others then use its result.
  for (size_t i = 0; i < workers; ++i) {
    start_worker(i);
    auto end = clock::now() + ready_limit;
    auto there = [this, i] { return list(get(http_port_, "/api/v1/daemons"), "daemons").size() > i; };
    while (!there()) {
      if (clock::now() > end || !workers_[i]->running() || !coordinator_->running())
        throw std::runtime_error("the cluster does not become ready:\n" + state());
      std::this_thread::sleep_for(poll_interval);
    }
  }
}

void failover_cluster::write_config() const {
  std::ofstream out{options_.folder + "/cluster.yaml"};
  // Other load on this machine, and the deaths that the test causes, are part of the measurement. They are no reason to
  // refuse work.
  out << "cluster:\n  token: a-token-for-one-measurement\n  degraded_pressure: 100\n  degraded_failures: 1000\n"
      << "  unhealthy_failures: 1000\n  reconnect_max_delay: 1s\n  insecure: "
      << (options_.network != nullptr ? "true" : "false") << "\nlive:\n  idle_timeout: 1s\nchannels:\n  " << channel
      << ": {url: \"" << options_.source << "\"}\nprofiles:\n"
      << options_.profiles;
}

void failover_cluster::start_coordinator() {
  auto& folder = options_.folder;
  auto host = options_.network != nullptr ? options_.network->address() : std::string{"127.0.0.1"};
  std::vector<std::string> arguments{"--role=coordinator",
                                     "--config=" + folder + "/cluster.yaml",
                                     "--node.name=coordinator",
                                     "--node.state_dir=" + folder + "/coordinator",
                                     "--http.listen=127.0.0.1:0",
                                     "--http.port_file=" + folder + "/http.port",
                                     "--cluster.listen=" + host + ":0",
                                     "--cluster.port_file=" + folder + "/cluster.port"};
  arguments.insert(arguments.end(), options_.flags.begin(), options_.flags.end());
  coordinator_ = std::make_unique<process>(node_program(), arguments, folder + "/coordinator.log");
  cluster_port_ = wait_for_port(folder + "/cluster.port", *coordinator_);
  http_port_ = wait_for_port(folder + "/http.port", *coordinator_);
}

void failover_cluster::start_worker(size_t worker) {
  auto name = name_of(worker);
  auto& folder = options_.folder;
  auto host = options_.network != nullptr ? options_.network->address() : std::string{"127.0.0.1"};
  std::vector<std::string> arguments{"--role=worker",
                                     "--config=" + folder + "/cluster.yaml",
                                     "--node.name=" + name,
                                     "--node.state_dir=" + folder + "/" + name,
                                     "--cluster.coordinator=" + host + ":" + std::to_string(cluster_port_),
                                     "--worker.slots=2",
                                     "--worker.capability_cache=" + options_.capability_cache};
  arguments.insert(arguments.end(), options_.flags.begin(), options_.flags.end());
  workers_[worker] = std::make_unique<process>(
    options_.worker_program.empty() ? node_program() : options_.worker_program, arguments, folder + "/" + name + ".log",
    std::vector<std::string>{}, options_.network != nullptr ? options_.network->file(worker) : std::string{});
}

std::string failover_cluster::url() const {
  return "http://127.0.0.1:" + std::to_string(http_port_) + "/live/" + channel + "/" + options_.profile + ".ts";
}

std::optional<transcoding> failover_cluster::transcodes() const {
  auto variant = variant_of(http_port_, options_.profile);
  auto attempt = text(variant, "attempt");
  if (text(variant, "state") != "running" || attempt.empty())
    return std::nullopt;
  for (auto& daemon : list(get(http_port_, "/api/v1/daemons"), "daemons"))
    for (auto& task : list(daemon, "tasks")) {
      if (text(task, "attempt") != attempt || text(task, "kind") != "transcode")
        continue;
      auto pid = static_cast<pid_t>(count(member(task, "process"), "pid"));
      for (size_t i = 0; i < workers; ++i)
        if (pid > 1 && text(daemon, "name") == name_of(i) && ::kill(pid, 0) == 0)
          return transcoding{pid, i, attempt};
    }
  return std::nullopt;
}

std::optional<size_t> failover_cluster::serving() const {
  auto variant = variant_of(http_port_, options_.profile);
  for (size_t i = 0; i < workers; ++i)
    if (text(variant, "state") == "running" && text(variant, "worker") == name_of(i))
      return i;
  return std::nullopt;
}

uint64_t failover_cluster::frames_lost() const {
  return static_cast<uint64_t>(count(variant_of(http_port_, options_.profile), "frames_lost"));
}

uint64_t failover_cluster::failovers() const {
  return static_cast<uint64_t>(count(variant_of(http_port_, options_.profile), "failovers"));
}

milliseconds failover_cluster::lag() const {
  return milliseconds{count(variant_of(http_port_, options_.profile), "lag_ms")};
}

std::map<std::string, uint64_t> failover_cluster::failovers_by_reason() const {
  constexpr std::string_view before = "troupe_failovers_total{reason=\"";
  std::map<std::string, uint64_t> result;
  std::istringstream page{http_request(http_port_, "GET", "/metrics", request_limit).body};
  for (std::string line; std::getline(page, line);) {
    auto end = line.find("\"} ");
    if (line.starts_with(before) && end != std::string::npos)
      result[line.substr(before.size(), end - before.size())] = std::strtoull(line.c_str() + end + 3, nullptr, 10);
  }
  return result;
}

bool failover_cluster::whole() const {
  std::array<bool, workers> there{};
  for (auto& daemon : list(get(http_port_, "/api/v1/daemons"), "daemons"))
    for (size_t i = 0; i < workers; ++i) {
      auto state = text(daemon, "state");
      if (text(daemon, "name") == name_of(i) && (state == "healthy" || state == "degraded"))
        there[i] = true;
    }
  for (auto x : there)
    if (!x)
      return false;
  return true;
}

void failover_cluster::kill_worker(size_t worker) {
  auto pid = workers_[worker]->pid();
  // While it is stopped, it starts no further task.
  ::kill(pid, SIGSTOP);
  auto tasks = descendants(pid);
  ::kill(pid, SIGKILL);
  for (auto& x : tasks)
    ::kill(x.pid, SIGKILL);
  workers_[worker].reset();
}

void failover_cluster::post(size_t worker, const std::string& what) const {
  auto answer = http_request(http_port_, "POST", "/api/v1/daemons/" + name_of(worker) + "/" + what, request_limit);
  if (answer.status != 200)
    throw std::runtime_error("cannot " + what + " " + name_of(worker) + ": status " + std::to_string(answer.status)
                             + " " + answer.body);
}

void failover_cluster::drain(size_t worker) const {
  post(worker, "drain");
}

void failover_cluster::resume(size_t worker) const {
  post(worker, "resume");
}

void failover_cluster::cut(size_t worker) {
  options_.network->cut(worker);
}

void failover_cluster::join(size_t worker) {
  options_.network->join(worker);
}

void failover_cluster::wait_until_idle() const {
  auto end = clock::now() + idle_limit;
  for (;;) {
    auto all = get(http_port_, "/api/v1/sessions");
    if (member(all, "sessions") == boost::json::array{})
      return;
    if (clock::now() > end)
      throw std::runtime_error("the channel does not stop without clients:\n" + state());
    std::this_thread::sleep_for(poll_interval);
  }
}

std::string failover_cluster::state() const {
  std::string result;
  for (std::string name : {"coordinator", "w1", "w2", "w3"})
    result += "--- " + name + "\n" + tail_of(options_.folder + "/" + name + ".log") + "\n";
  for (auto* what : {"/api/v1/sessions", "/api/v1/daemons"})
    result += http_request(http_port_, "GET", what, request_limit).body.substr(0, 4000) + "\n";
  return result;
}

} // namespace troupe::bench
