// A cluster of real nodes for a measurement: a coordinator and a worker, each in its own process, on loopback.
#pragma once

#include "rig/process.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::bench {

/// The caf-node next to this program. Throws `std::runtime_error` if there is none.
std::string node_program();

/// The file for a worker's tested codecs, in the build folder, where the next run of the same build finds it: testing
/// every codec takes as long as a quick measurement. It is in `folder` if the build folder is not writable.
std::string capability_cache(const std::string& folder);

/// The port that the node `of` writes into `file` when it listens. Throws `std::runtime_error`, with the end of its
/// log, if the node ends first or takes longer than 30 s.
uint16_t wait_for_port(const std::string& file, process& of);

class live_cluster {
public:
  /// Writes the configuration into `folder`, starts the nodes and waits until the worker can work. The first worker of
  /// a machine tests its codecs; `capability_cache` keeps the result. `flags` are for both nodes. Throws
  /// `std::runtime_error`, with the end of the logs.
  live_cluster(std::string folder, const std::map<std::string, std::string>& channels,
               const std::string& capability_cache, const std::vector<std::string>& flags = {});

  uint16_t http_port() const noexcept {
    return http_port_;
  }

  /// The file that all nodes read.
  std::string config_file() const {
    return folder_ + "/cluster.yaml";
  }

  /// Waits until no channel runs, and the nodes have fresh tasks again.
  void wait_until_idle() const;

  /// The last lines of the nodes' logs.
  std::string logs() const;

private:
  void write_config(const std::map<std::string, std::string>& channels) const;

  std::string folder_;
  uint16_t http_port_ = 0;
  std::unique_ptr<process> coordinator_;
  std::unique_ptr<process> worker_; ///< ends before its coordinator
};

} // namespace troupe::bench
