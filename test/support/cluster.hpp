// A cluster of real processes on loopback: one coordinator, workers by name, and the tasks that they start.
//
// Each node has a state folder of its own; all take channels, profiles and the token from one file that the fixture
// writes. Codecs are tested once per build, and the result is kept in the build folder. When the cluster ends, its
// nodes end in order. Each must end with status 0 (except those that the test killed), without a sanitizer report, and
// without a process left behind.
#pragma once

#include "base/json.hpp"
#include "rig/node_cluster.hpp"
#include "test/support/temporary_folder.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::test {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

using base::reading::count;
using base::reading::list;
using base::reading::object;
using base::reading::parsed;
using base::reading::text;

using bench::adopt_orphans;
using bench::descendants;
using bench::descriptors_of;
using bench::holdings;
using bench::holdings_of;
using bench::http_answer;
using bench::http_request;
using bench::http_stream;
using bench::no_orphans;
using bench::node_program;
using bench::process;
using bench::process_info;
using bench::read_file;
using bench::reap_orphans;
using bench::tasks_of;

/// The factor on every time limit: TROUPE_TEST_TIME_SCALE from the environment, else 1, or 4 under sanitizers.
double time_scale();

/// A time limit, scaled for this build and machine.
milliseconds scaled(milliseconds limit);

/// An option of a node whose value is scaled: "--cluster.selection_timeout=1000ms".
std::string scaled_flag(const std::string& option, milliseconds value);

struct cluster_channel {
  std::string name;
  std::string url;
  bool loop = true;
};

struct cluster_settings {
  std::vector<cluster_channel> channels;
  std::vector<std::string> flags; ///< for each node
  std::string profiles; ///< YAML below "profiles:", two blanks deep, beside the profile "small" that every cluster has
  std::string worker_program = node_program();                      ///< of workers and their tasks
  std::map<std::string, std::vector<std::string>> environment = {}; ///< "NAME=value" for workers, by name
};

/// Fails the test if a process has outlived its ended cluster, or if a log in `folder` contains a sanitizer report.
void check_nothing_left(const std::string& folder);

/// The file with the tested codecs, for all clusters of a build.
std::string capability_file();

class cluster : public bench::node_cluster {
public:
  explicit cluster(cluster_settings settings);
  ~cluster();

  // -- nodes ------------------------------------------------------------------

  /// Starts a worker and does not wait. It takes `slots` transcodes at a time. Several processes with one name need
  /// different `key`s.
  process& start_worker(const std::string& name, uint32_t slots = 2, const std::vector<std::string>& flags = {},
                        const std::string& key = {});

  /// Coordinator and workers, each registered and healthy.
  void start(const std::vector<std::string>& workers, uint32_t slots = 2);

  /// Stops a node and forgets it. It must end with `status`.
  void stop(const std::string& key, int status = 0);

  /// Kills a node and forgets it.
  void kill(const std::string& key);

  const temporary_folder& folder() const noexcept {
    return *folder_;
  }

  // -- the API ----------------------------------------------------------------

  /// Pids of the transcodes that a worker reports.
  std::vector<pid_t> transcodes_of(const std::string& worker) const;

  std::string daemon_state(const std::string& name) const;

  /// Opens the rendition and reads `bytes` bytes of it; fails the test if they do not come.
  http_stream watch(const std::string& channel, const std::string& profile, size_t bytes = 1,
                    milliseconds limit = milliseconds{20'000}) const;

  // -- waiting ----------------------------------------------------------------

  /// Asks until `holds` is true, at most for the scaled `limit`; then the test fails with "not in time: " and `what`.
  void wait_until(const std::string& what, const std::function<bool()>& holds,
                  milliseconds limit = milliseconds{10'000}) const;

private:
  cluster(cluster_settings settings, std::unique_ptr<temporary_folder> folder);
  void check_ends();

  std::map<std::string, std::vector<std::string>> environment_;
  std::unique_ptr<temporary_folder> folder_;
};

} // namespace troupe::test
