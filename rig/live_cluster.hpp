// A coordinator and a worker for a measurement.
#pragma once

#include "rig/node_cluster.hpp"

#include <map>
#include <string>
#include <vector>

namespace troupe::bench {

class live_cluster : public node_cluster {
public:
  /// Starts the nodes and waits until the worker can work. The first worker of a machine tests its codecs;
  /// `capability_cache` keeps the result. `flags` are for both nodes.
  live_cluster(const std::string& folder, const std::map<std::string, std::string>& channels,
               const std::string& capability_cache, const std::vector<std::string>& flags = {});

  /// Waits until no channel runs, and the nodes have fresh tasks again.
  void wait_until_idle() const;
};

} // namespace troupe::bench
