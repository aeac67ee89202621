#include "rig/failover_cluster.hpp"

#include "base/json.hpp"
#include "rig/http_client.hpp"

#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include <signal.h>

namespace troupe::bench {

namespace {

using namespace base::reading;
namespace json = boost::json;
using std::chrono::milliseconds;

constexpr milliseconds request_limit{5'000};

constexpr const char* channel = "channel";

std::string name_of(size_t worker) {
  return "w" + std::to_string(worker + 1);
}

/// Other load on this machine, and the deaths that the test causes, are part of the measurement. They are no reason to
/// refuse work.
node_cluster_settings settings_of(const failover_cluster_options& x) {
  auto config = std::string{"cluster:\n  token: a-token-for-one-measurement\n  degraded_failures: 1000\n"}
                + "  unhealthy_failures: 1000\n  reconnect_max_delay: 1s\n  insecure: "
                + (x.network != nullptr ? "true" : "false") + "\nlive:\n  idle_timeout: 1s\nchannels:\n  " + channel
                + ": {url: \"" + x.source + "\"}\nprofiles:\n" + x.profiles;
  auto host = x.network != nullptr ? x.network->address() : std::string{"127.0.0.1"};
  return {x.folder, std::move(config), x.flags, x.worker_program, std::move(host)};
}

} // namespace

failover_cluster::failover_cluster(failover_cluster_options options)
  : node_cluster(settings_of(options)), options_(std::move(options)) {
  start_coordinator();
  // One after the other: the first may have to test the codecs; the others then use its result.
  for (size_t i = 0; i < workers; ++i) {
    start_worker(i);
    auto there = [this, i] {
      check_running();
      return daemons().size() > i;
    };
    wait_until(name_of(i) + " can work", there, proving_limit);
  }
}

void failover_cluster::start_worker(size_t worker) {
  node_cluster::start_worker(name_of(worker),
                             {.flags = {"--worker.slots=2", "--worker.capability_cache=" + options_.capability_cache},
                              .network = options_.network != nullptr ? options_.network->file(worker) : std::string{}});
}

json::object failover_cluster::rendition() const {
  return variant(channel, options_.profile);
}

std::string failover_cluster::url() const {
  return watch_url(channel, options_.profile);
}

std::optional<transcoding> failover_cluster::transcodes() const {
  auto made = rendition();
  auto attempt = text(made, "attempt");
  if (text(made, "state") != "running" || attempt.empty())
    return std::nullopt;
  for (auto& daemon : daemons())
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
  auto made = rendition();
  for (size_t i = 0; i < workers; ++i)
    if (text(made, "state") == "running" && text(made, "worker") == name_of(i))
      return i;
  return std::nullopt;
}

uint64_t failover_cluster::frames_lost() const {
  return static_cast<uint64_t>(count(rendition(), "frames_lost"));
}

uint64_t failover_cluster::failovers() const {
  return static_cast<uint64_t>(count(rendition(), "failovers"));
}

milliseconds failover_cluster::lag() const {
  return milliseconds{count(rendition(), "lag_ms")};
}

std::map<std::string, uint64_t> failover_cluster::failovers_by_reason() const {
  constexpr std::string_view before = "troupe_failovers_total{reason=\"";
  std::map<std::string, uint64_t> result;
  std::istringstream page{get("/metrics").body};
  for (std::string line; std::getline(page, line);) {
    auto end = line.find("\"} ");
    if (line.starts_with(before) && end != std::string::npos)
      result[line.substr(before.size(), end - before.size())] = std::strtoull(line.c_str() + end + 3, nullptr, 10);
  }
  return result;
}

bool failover_cluster::whole() const {
  std::array<bool, workers> there{};
  for (auto& daemon : daemons())
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
  auto node = take(name_of(worker));
  auto pid = node->pid();
  // While it is stopped, it starts no further task.
  ::kill(pid, SIGSTOP);
  auto tasks = descendants(pid);
  ::kill(pid, SIGKILL);
  for (auto& x : tasks)
    ::kill(x.pid, SIGKILL);
}

void failover_cluster::post(size_t worker, const std::string& what) const {
  auto answer = http_request(http_port(), "POST", "/api/v1/daemons/" + name_of(worker) + "/" + what, request_limit);
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

} // namespace troupe::bench
