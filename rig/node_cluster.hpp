// A cluster of real nodes on loopback: a coordinator, workers by name, and the tasks that they start. Each node has its
// own state folder and log; all read one configuration.
#pragma once

#include "rig/http_client.hpp"
#include "rig/process.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::bench {

/// The caf-node next to this program. Throws `std::runtime_error` if there is none.
std::string node_program();

struct node_cluster_settings {
  std::string folder;                  ///< for configuration, state and logs
  std::string config;                  ///< YAML of every node
  std::vector<std::string> flags = {}; ///< for every node
  std::string worker_program = {};     ///< of workers and their tasks; caf-node if empty
  std::string host = "127.0.0.1";      ///< that the coordinator's cluster port listens on
};

struct worker_settings {
  std::vector<std::string> flags = {};
  std::string key = {};                      ///< processes with one name need different keys; the name if empty
  std::vector<std::string> environment = {}; ///< "NAME=value"
  std::string network = {};                  ///< see `process`
};

/// Errors are `std::runtime_error`, with the end of the logs.
class node_cluster {
public:
  explicit node_cluster(node_cluster_settings settings);
  node_cluster(const node_cluster&) = delete;
  node_cluster& operator=(const node_cluster&) = delete;

  /// Workers end before their coordinator.
  ~node_cluster();

  // -- nodes ------------------------------------------------------------------

  /// Starts the coordinator and waits until it listens. A later start uses the same ports again.
  process& start_coordinator(const std::vector<std::string>& flags = {});

  /// Does not wait.
  process& start_worker(const std::string& name, const worker_settings& settings = {});

  /// "coordinator", or the key of a worker.
  process& node(const std::string& key) const;

  /// Forgets the node, and leaves it to the caller.
  std::unique_ptr<process> take(const std::string& key);

  /// The nodes' keys in the order in which they should end.
  std::vector<std::string> keys() const;

  uint16_t http_port() const noexcept {
    return http_port_;
  }

  uint16_t cluster_port() const noexcept {
    return cluster_port_;
  }

  /// The file that all nodes read.
  std::string config_file() const;

  // -- the API ----------------------------------------------------------------

  http_answer get(const std::string& target, std::chrono::milliseconds limit = std::chrono::seconds{10}) const;

  /// All workers, or an empty list.
  boost::json::array daemons() const;

  /// The latest registration of the worker with this name; empty if there is none.
  boost::json::object daemon(const std::string& name) const;

  boost::json::array sessions() const;

  /// Empty if the channel does not run.
  boost::json::object session(const std::string& channel) const;

  /// Empty if the rendition does not run.
  boost::json::object variant(const std::string& channel, const std::string& profile) const;

  std::string watch_url(const std::string& channel, const std::string& profile) const;

  // -- waiting ----------------------------------------------------------------

  /// Calls `holds` again and again until it is true, at most for `limit`. The error says "not in time: " and `what`.
  void wait_until(const std::string& what, const std::function<bool()>& holds, std::chrono::milliseconds limit) const;

  /// Fails if a node has ended.
  void check_running() const;

  /// Waits until no channel runs.
  void wait_until_idle() const;

  /// The ends of all logs.
  std::string logs() const;

  /// The same, and what the API says.
  std::string state() const;

private:
  std::vector<std::string> arguments(const std::string& role, const std::string& name, const std::string& key) const;

  node_cluster_settings settings_;
  uint16_t http_port_ = 0;
  uint16_t cluster_port_ = 0;
  std::map<std::string, std::unique_ptr<process>> nodes_;
};

/// The file for a worker's tested codecs, in the build folder, where the next run of the same build finds it: testing
/// every codec takes as long as a quick measurement. It is in `folder` if the build folder is not writable.
std::string capability_cache(const std::string& folder);

/// How long a worker may take if it has to test the codecs first.
inline constexpr std::chrono::minutes proving_limit{4};

} // namespace troupe::bench
