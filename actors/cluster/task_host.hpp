// TASK HOST: starts, labels and ends the task processes of one machine. Every worker has one, and the coordinator has one for ingest.
//
// It owns the processes: it starts as many as are wanted to wait for work, tells what each works for, ends a process when its lease is
// over (asks, then kills after `stop_timeout`), and measures them. A detached actor per process sits in `waitpid`, so an end is
// noticed at once.
// - A process ends: if it was at work, its owner knows from its own connection, and the registry wants another if it needs one; if it
//   waited, another is started after a pause that doubles up to 10 s with each that ends before it got work, so that a program
//   that cannot start is not started in a hot loop.
// - The registry dies: its successor says how many processes are wanted.
// - The worker dies, or the host is removed by force: the host ends too and kills its processes.
// - The host's node dies: processes that wait end by themselves (their standard input ends); those at work go on.
#pragma once

#include "messages/actors.hpp"
#include "processes/child_process.hpp"
#include "processes/enforcer.hpp"
#include "telemetry/process.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

struct task_host_config {
  worker_id host;
  std::string token;                  ///< given to the processes through a pipe
  std::vector<std::string> arguments; ///< of a task process
  std::chrono::milliseconds stop_timeout{2000};
  std::chrono::milliseconds file_stop_timeout{5000}; ///< the same for those that work at files
  bool limits = false;                               ///< it may get work with limits
  uint32_t processes_max = 1024;
  std::string work_folder; ///< where tasks have folders of their own, which go with them; may be empty

  /// Tells the task processes where ("host:port") the coordinator is.
  void connect_to(const std::string& coordinator) {
    arguments.push_back("--cluster.coordinator=" + coordinator);
  }
};

struct task_host_state {
  using interface = task_host_actor::extend<
    // All processes, for the heartbeat.
    caf::result<std::vector<task_statistics>>(status_atom),
    // INTERNAL: the process has ended with that status.
    caf::result<void>(task_id, int32_t),
    // INTERNAL: kill it if it is still there.
    caf::result<void>(stop_atom, task_id),
    // INTERNAL: a try at keeping the wanted number of processes waiting.
    caf::result<void>(tick_atom)>;

  static inline const char* name = "task_host";

  task_host_state(interface::pointer self, task_host_config config);
  ~task_host_state();

  interface::behavior_type make_behavior();

  /// Replaces what is no longer waiting: at once where nothing waits, else a little later.
  void refill();
  void start_missing();
  /// Processes that have no work.
  size_t waiting() const;
  void start_one();
  void stop(task_id id);
  void on_exit(task_id id, int status);
  std::vector<task_statistics> statistics();

  struct process {
    child_process child;
    bool assigned = false;
    bool ending = false;
    work_label label;
    std::vector<caf::typed_response_promise<task_exit>> asked; ///< who wants to know how it ends
  };

  /// Bounds a process that is given to somebody. Returns what enforces its limits.
  std::string limit(task_id id, const process& p);
  caf::result<task_exit> exit_of(task_id id);

  interface::pointer self;
  task_host_config config;
  std::unordered_map<task_id, process> processes;
  std::deque<std::pair<task_id, task_exit>> exits; ///< the latest, latest last
  std::optional<limits::enforcer> enforcer;        ///< of a host that gets work with limits
  telemetry::process_probe probe;
  uint32_t wanted = 0;
  std::chrono::milliseconds retry_delay{0}; ///< grows while processes end before they got work
  bool retry_scheduled = false;
};

using local_task_host_actor = task_host_state::interface;

local_task_host_actor spawn_task_host(caf::actor_system& system, task_host_config config);

} // namespace troupe
