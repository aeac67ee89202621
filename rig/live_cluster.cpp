#include "rig/live_cluster.hpp"

#include "base/json.hpp"
#include "rig/api.hpp"
#include "rig/http_client.hpp"

#include <boost/json/serialize.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <unistd.h>

namespace troupe::bench {

namespace {

using namespace base::reading;
namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds poll_interval{20};
constexpr milliseconds port_limit{30'000};
constexpr milliseconds ready_limit{240'000}; ///< includes the testing of codecs
constexpr milliseconds idle_limit{20'000};
constexpr milliseconds request_limit{2'000};

/// After a channel has stopped: time to start idle processes for the next one.
constexpr milliseconds warm_up{800};

} // namespace

std::string node_program() {
  auto result = fs::path{own_program()}.parent_path() / "caf-node";
  if (!fs::exists(result))
    throw std::runtime_error("there is no " + result.string() + "; build caf-node next to caf-bench");
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

uint16_t wait_for_port(const std::string& file, process& of) {
  auto end = clock::now() + port_limit;
  for (;;) {
    std::ifstream in{file};
    if (uint16_t port = 0; in >> port)
      return port;
    if (clock::now() > end || !of.running())
      throw std::runtime_error("the node does not listen; its log ends with:\n" + of.output());
    std::this_thread::sleep_for(poll_interval);
  }
}

live_cluster::live_cluster(std::string folder, const std::map<std::string, std::string>& channels,
                           const std::string& capability_cache, const std::vector<std::string>& flags)
  : folder_(std::move(folder)) {
  write_config(channels);
  auto common = [this](const std::string& role) {
    return std::vector<std::string>{"--role=" + role, "--config=" + config_file(), "--node.name=bench-" + role,
                                    "--node.state_dir=" + folder_ + "/" + role};
  };
  auto coordinator = common("coordinator");
  coordinator.insert(coordinator.end(),
                     {"--http.listen=127.0.0.1:0", "--http.port_file=" + folder_ + "/http.port",
                      "--cluster.listen=127.0.0.1:0", "--cluster.port_file=" + folder_ + "/cluster.port"});
  coordinator.insert(coordinator.end(), flags.begin(), flags.end());
  coordinator_ = std::make_unique<process>(node_program(), coordinator, folder_ + "/coordinator.log");
  auto cluster_port = wait_for_port(folder_ + "/cluster.port", *coordinator_);
  http_port_ = wait_for_port(folder_ + "/http.port", *coordinator_);
  auto worker = common("worker");
  worker.insert(worker.end(), {"--cluster.coordinator=127.0.0.1:" + std::to_string(cluster_port),
                               "--worker.capability_cache=" + capability_cache});
  worker.insert(worker.end(), flags.begin(), flags.end());
  worker_ = std::make_unique<process>(node_program(), worker, folder_ + "/worker.log");
  auto end = clock::now() + ready_limit;
  while (http_request(http_port_, "GET", "/readyz", request_limit).status != 200) {
    if (clock::now() > end || !worker_->running() || !coordinator_->running())
      throw std::runtime_error("the cluster does not become ready:\n" + logs());
    std::this_thread::sleep_for(poll_interval);
  }
}

void live_cluster::write_config(const std::map<std::string, std::string>& channels) const {
  std::ofstream out{config_file()};
  // Other load on this machine is part of the measurement, not a reason to refuse work.
  out << "cluster:\n  token: a-token-for-one-measurement\n  degraded_pressure: 100\n"
      << "live:\n  idle_timeout: 100ms\nchannels:\n";
  for (auto& [name, url] : channels)
    out << "  " << name << ": {url: \"" << url << "\"}\n";
}

void live_cluster::wait_until_idle() const {
  auto end = clock::now() + idle_limit;
  for (;;) {
    auto all = api_get(http_port_, "/api/v1/sessions", request_limit);
    if (member(all, "sessions") == boost::json::array{})
      break;
    if (clock::now() > end)
      throw std::runtime_error("a channel does not stop without clients: "
                               + boost::json::serialize(all).substr(0, 1000));
    std::this_thread::sleep_for(poll_interval);
  }
  std::this_thread::sleep_for(warm_up);
}

std::string live_cluster::logs() const {
  return "coordinator:\n" + tail_of(folder_ + "/coordinator.log") + "\nworker:\n" + tail_of(folder_ + "/worker.log");
}

} // namespace troupe::bench
