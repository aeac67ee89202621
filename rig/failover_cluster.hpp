// The cluster for fault tests: a coordinator and three workers, each in its own process, and one channel.
#pragma once

#include "rig/failover_network.hpp"
#include "rig/node_cluster.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::bench {

struct failover_cluster_options {
  std::string folder;                  ///< for configuration, state and logs
  std::string source;                  ///< the channel's URL
  std::string profiles;                ///< YAML below "profiles:", indented by two blanks
  std::string profile;                 ///< the profile that is watched
  std::string capability_cache;        ///< file
  std::vector<std::string> flags;      ///< for every node
  std::string worker_program{};        ///< caf-node if empty
  failover_network* network = nullptr; ///< one network for each worker; null for loopback
};

/// The worker that makes the rendition now.
struct transcoding {
  pid_t pid = 0;
  size_t worker = 0;
  std::string attempt;
};

class failover_cluster : public node_cluster {
public:
  static constexpr size_t workers = 3;

  /// Starts all nodes and waits until each worker can work.
  explicit failover_cluster(failover_cluster_options options);

  /// The URL for clients.
  std::string url() const;

  /// Empty if the transcoding worker is unknown, or has not reported its process yet.
  std::optional<transcoding> transcodes() const;

  /// The worker of the running attempt, as the session reports it; empty if there is none.
  std::optional<size_t> serving() const;

  /// The coordinator's count of lost pictures of the rendition, and of failovers.
  uint64_t frames_lost() const;
  uint64_t failovers() const;

  /// How far the rendition is behind its source.
  std::chrono::milliseconds lag() const;

  /// Failovers of all renditions in the coordinator's life, by the reason in its metrics.
  std::map<std::string, uint64_t> failovers_by_reason() const;

  /// True if every worker is registered and takes work.
  bool whole() const;

  /// Ends a worker and all its tasks at once, like a power failure.
  void kill_worker(size_t worker);
  void start_worker(size_t worker);

  void drain(size_t worker) const;
  void resume(size_t worker) const;

  void cut(size_t worker);
  void join(size_t worker);

private:
  boost::json::object rendition() const;
  void post(size_t worker, const std::string& what) const;

  failover_cluster_options options_;
};

} // namespace troupe::bench
