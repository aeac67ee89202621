// Real processes for tests and benchmarks: a program that runs, is signalled and is waited for, and what /proc says
// about it and its children.
//
// A program that is started here ends with this one, however this one ends.
#pragma once

#include "base/descriptor.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace troupe::bench {

/// What a process has used, with all its threads.
struct process_usage {
  double cpu_s = 0; ///< user and system
  double rss_mib = 0;
};

/// A child of this process. Destruction ends it: first by asking, then by force.
class process {
public:
  /// Starts `program`, which is looked up in PATH, in a process group of its own, its output in the file `log`. It does
  /// not inherit variables that configure nodes; `environment` ("NAME=value") is added. `network` is a file that names
  /// the network namespace to start in; empty means this process's own. Call it from a thread that outlives the
  /// process: it ends with that thread. Throws `std::runtime_error`; a program that cannot be run ends with status 127.
  process(const std::string& program, const std::vector<std::string>& arguments, std::string log,
          const std::vector<std::string>& environment = {}, const std::string& network = {});

  process(process&& other) noexcept;
  process& operator=(process&&) = delete;
  ~process();

  pid_t pid() const noexcept {
    return pid_;
  }

  bool running();

  /// Waits for the end. The exit status, or 128 + the signal that ended it; nothing if it still runs after `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit);

  /// Zeros until it has been waited for.
  const process_usage& usage() const noexcept {
    return usage_;
  }

  void signal(int number) const;

  /// Ends it with SIGKILL and waits.
  void kill();

  /// Sends SIGTERM, and SIGKILL after `limit`. Returns the same as `wait`; nothing if SIGKILL was needed.
  std::optional<int> stop(std::chrono::milliseconds limit);

  /// Everything that it and its children have written so far.
  std::string output() const;

private:
  pid_t pid_ = 0;
  base::descriptor handle_; ///< pidfd: readable when the process has ended
  std::optional<int> status_;
  process_usage usage_;
  std::string log_;
};

struct process_result {
  bool started = false;
  bool timed_out = false; ///< it was killed at its time limit
  int status = -1;        ///< exit status, or 128 + signal
  double wall_s = 0;
  double cpu_s = 0;
  double rss_mib = 0;
  std::string out; ///< standard output and standard error together, at most 1 MiB

  bool ok() const noexcept {
    return started && !timed_out && status == 0;
  }
};

/// Runs `arguments` (the program is looked up in PATH) with an empty standard input, and waits until it ends or for
/// `limit`.
process_result run_process(const std::vector<std::string>& arguments, std::chrono::milliseconds limit);

/// The path of this program.
std::string own_program();

/// A process as /proc shows it.
struct process_info {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';    ///< 'R', 'S', 'T' (stopped), 'Z' (ended, not yet waited for), ...
  std::string command; ///< arguments, separated by blanks
};

/// All descendants of `root`, parents before their children. Those that have ended ('Z') are left out.
std::vector<process_info> descendants(pid_t root);

/// The descendants of `root` that are task processes, whether they work or wait for work.
std::vector<process_info> tasks_of(pid_t root);

/// From now on, children of ended descendants become children of this process, where `descendants` shows them.
void adopt_orphans();

/// Waits for ended children that this process did not start itself: they were left behind by killed nodes.
void reap_orphans();

/// True if no task is left whose worker is gone.
bool no_orphans();

/// CPU time of all threads of a process so far; 0 if the process is gone.
std::chrono::nanoseconds cpu_time_of(pid_t pid);

/// What a process holds.
struct holdings {
  size_t threads = 0;
  size_t descriptors = 0;

  bool operator==(const holdings&) const = default;
};

/// Zeros for a process that is gone.
holdings holdings_of(pid_t pid);

/// The files, sockets and pipes that the process has open, one per line; for messages.
std::string descriptors_of(pid_t pid);

/// The whole file; empty if it cannot be read.
std::string read_file(const std::string& path);

/// The end of a log, about 3000 bytes.
std::string tail_of(const std::string& file);

} // namespace troupe::bench
