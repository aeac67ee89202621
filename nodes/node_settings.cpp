#include "nodes/node_settings.hpp"

#include "base/random_id.hpp"
#include "config/waits.hpp"
#include "nodes/node_access.hpp"
#include "nodes/node_cage.hpp"
#include "nodes/node_task.hpp"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>

namespace troupe::nodes {

namespace {

/// The slate's picture goes to the transcoders as it is. It was checked before, so an unreadable one is only missing.
shared_bytes slate_image(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (text.size() > config::live_options::slate_image_bytes_max)
    return {};
  auto begin = reinterpret_cast<const std::byte*>(text.data());
  return shared_bytes{shared_bytes::container(begin, begin + text.size())};
}

} // namespace

std::vector<std::string> task_arguments(const config::configuration& x) {
  std::vector<std::string> result{task_role,
                                  "--node.state_dir=" + x.node.state_dir,
                                  "--task.orphan_timeout=" + std::to_string(x.task.orphan_timeout.count()) + "ms",
                                  "--jobs.orphan_timeout=" + std::to_string(x.jobs.orphan_timeout.count()) + "ms",
                                  "--log.level=" + std::string{to_string(x.log.level)},
                                  "--log.format=" + std::string{to_string(x.log.format)}};
  auto access = access_arguments(x);
  result.insert(result.end(), access.begin(), access.end());
  if (x.cluster.insecure)
    result.emplace_back("--cluster.insecure=true");
  if (x.cluster.tls.enabled())
    result.push_back("--cluster.tls.ca=" + x.cluster.tls.ca);
  auto cage = cage_arguments(x);
  result.insert(result.end(), cage.begin(), cage.end());
  return result;
}

task_host_config host_config(const config::configuration& x, const std::string& node, const std::string& secret) {
  task_host_config result;
  result.node = node;
  result.host = worker_id{base::random_id()};
  result.secret = secret;
  result.arguments = task_arguments(x);
  result.stop_timeout = x.task.stop_timeout;
  result.file_stop_timeout = x.jobs.stop_timeout;
  result.work_folder = x.node.state_dir + "/work";
  result.limits = true;
  return result;
}

gpu_override limit_of(const std::string& sessions) {
  return {session_limit_from(sessions), std::nullopt};
}

coordinator_config coordinator_settings(const config::configuration& x, const std::string& secret) {
  coordinator_config result;
  result.registry = {x.workers, x.leases, x.cluster.heartbeat_interval};
  result.registry.workers.version = TROUPE_VERSION;
  result.registry.leases.orphan_timeout = x.jobs.orphan_timeout;
  auto& gpus = result.registry.leases.places.gpus;
  gpus.settle_after = std::max(x.workers.unhealthy_after, 3 * x.cluster.heartbeat_interval);
  for (auto& [gpu, sessions] : x.coordinator.gpu_sessions)
    gpus.overrides.emplace(gpu, limit_of(sessions));
  result.ingest_host = host_config(x, {}, secret);
  auto& s = result.session;
  s.core = x.session;
  s.core.memory = x.task.memory;
  if (!x.live.slate_image.empty())
    s.core.slate_image = slate_image(x.live.slate_image);
  s.core.watch_timeout = config::defaults::first_bytes_wait(x.session.open_timeout, x.leases.selection_timeout);
  s.core.queue_timeout = x.leases.queue_timeout;
  s.stream = x.stream;
  s.delivery = x.delivery;
  s.quarantine_for = x.live.quarantine_for;
  s.memory_folder = x.node.state_dir + "/live";
  s.lease_timeout = config::defaults::lease_wait(x.leases.selection_timeout);
  auto& j = result.jobs;
  j.store_url = x.jobs.store;
  j.work_folder = x.jobs.work_dir;
  j.book = x.book;
  j.job = x.file_job;
  j.job.memory = x.task.memory;
  j.keep_failed = x.jobs.keep_failed;
  result.channels = x.channels;
  result.profiles = x.profiles;
  result.ladders = x.ladders;
  result.sessions_max = x.live.sessions_max;
  return result;
}

} // namespace troupe::nodes
