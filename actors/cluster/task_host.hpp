// TASK HOST: starts, labels and ends the task processes of one machine. Every worker has one, and the coordinator has
// one for ingest.
//
// It owns the processes. It keeps the wanted number of them waiting for work, tells each what it works for, and
// measures them. When a process's lease is over, it asks the process to end, and kills it after `stop_timeout`. A
// detached actor per process waits in `waitpid`, so an end is noticed at once.
// - A process ends: if it was working, its owner knows from its own connection, and the registry asks for another if it
//   needs one. If it waited, another is started after a pause. The pause doubles, up to 10 s, with each process that
//   ends before it got work, so that a program that cannot start is not started in a hot loop.
// - The registry dies: its successor says how many processes are wanted.
// - The worker dies, or the host is removed by force: the host ends too and kills its processes.
// - The host's node dies: waiting processes end by themselves (their standard input ends); working ones continue.
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
  std::string node;                   ///< its name; empty in a coordinator
  std::string secret;                 ///< the node's, to make a pass for each process
  std::vector<std::string> arguments; ///< of a task process
  std::chrono::milliseconds stop_timeout{2000};
  std::chrono::milliseconds file_stop_timeout{5000}; ///< the same for processes that work on files
  bool limits = false;                               ///< the host may get work with limits
  uint32_t processes_max = 1024;
  std::string work_folder; ///< holds a folder for each task, removed with the task; may be empty

  /// Tells the task processes the coordinator's address ("host:port").
  void connect_to(const std::string& coordinator) {
    arguments.push_back("--cluster.coordinator=" + coordinator);
  }
};

struct task_host_state {
  using interface = task_host_actor::extend<
    // All processes, for the heartbeat.
    caf::result<std::vector<task_statistics>>(status_atom),
    // INTERNAL: the process has ended with this status.
    caf::result<void>(task_id, int32_t),
    // INTERNAL: kill the process if it is still there.
    caf::result<void>(stop_atom, task_id),
    // INTERNAL: try to bring the number of waiting processes up to the wanted one.
    caf::result<void>(tick_atom)>;

  static inline const char* name = "task_host";

  task_host_state(interface::pointer self, task_host_config config);
  ~task_host_state();

  interface::behavior_type make_behavior();

  /// Replaces processes that no longer wait: at once if none waits, else a little later.
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
    std::vector<caf::typed_response_promise<task_exit>> asked; ///< requests that wait to learn how it ends
  };

  /// Limits a process that is being assigned. Returns what enforces its limits.
  std::string limit(task_id id, const process& p);
  caf::result<task_exit> exit_of(task_id id);

  interface::pointer self;
  task_host_config config;
  std::unordered_map<task_id, process> processes;
  std::deque<std::pair<task_id, task_exit>> exits; ///< the latest, latest last
  std::optional<limits::enforcer> enforcer;        ///< if the host gets work with limits
  telemetry::process_probe probe;
  uint32_t wanted = 0;
  std::chrono::milliseconds retry_delay{0}; ///< grows while processes end before they got work
  bool retry_scheduled = false;
};

using local_task_host_actor = task_host_state::interface;

local_task_host_actor spawn_task_host(caf::actor_system& system, task_host_config config);

} // namespace troupe
