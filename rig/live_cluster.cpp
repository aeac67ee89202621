#include "rig/live_cluster.hpp"

#include <thread>

namespace troupe::bench {

namespace {

/// After a channel has stopped: time to start idle processes for the next one.
constexpr std::chrono::milliseconds warm_up{800};

std::string config_of(const std::map<std::string, std::string>& channels) {
  std::string result = "cluster:\n  token: a-token-for-one-measurement\nlive:\n  idle_timeout: 100ms\nchannels:\n";
  for (auto& [name, url] : channels)
    result += "  " + name + ": {url: \"" + url + "\"}\n";
  return result;
}

} // namespace

live_cluster::live_cluster(const std::string& folder, const std::map<std::string, std::string>& channels,
                           const std::string& capability_cache, const std::vector<std::string>& flags)
  : node_cluster({.folder = folder, .config = config_of(channels), .flags = flags}) {
  start_coordinator();
  start_worker("worker", {.flags = {"--worker.capability_cache=" + capability_cache}});
  auto ready = [this] {
    check_running();
    return get("/readyz").status == 200;
  };
  wait_until("the worker can work", ready, proving_limit);
}

void live_cluster::wait_until_idle() const {
  node_cluster::wait_until_idle();
  std::this_thread::sleep_for(warm_up);
}

} // namespace troupe::bench
