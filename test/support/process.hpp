// Real processes for tests: a program that runs, is signalled and is waited for, and what /proc says about it and its
// children.
//
// A program that a test starts ends with the test, however the test ends. Children of its own that it leaves behind
// when it is killed come to the test (it is their reaper), so that a test can see that none is left.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace troupe::test {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A child of the test. Destruction ends it: first by asking, then by force.
class process {
public:
  /// Starts `program` with `arguments` in a process group of its own, its output in the file `log`. Variables of the
  /// product are not inherited; `environment` ("NAME=value") is added. Call it from a thread that outlives the
  /// process: it ends with that thread.
  process(const std::string& program, const std::vector<std::string>& arguments, std::string log,
          const std::vector<std::string>& environment = {});

  process(process&& other) noexcept;
  process& operator=(process&&) = delete;
  ~process();

  pid_t pid() const noexcept {
    return pid_;
  }

  bool running();

  /// Waits for the end. The exit status, or 128 + the signal that ended it; nothing when it still runs after `limit`.
  std::optional<int> wait(milliseconds limit);

  void signal(int number) const;

  /// Ends it with SIGKILL and waits.
  void kill();

  /// Sends SIGTERM, and SIGKILL after `limit`. Returns the same as `wait`; nothing if SIGKILL was needed.
  std::optional<int> stop(milliseconds limit);

  /// Everything that it and its children have written so far.
  std::string output() const;

private:
  pid_t pid_ = 0;
  int handle_ = -1; // pidfd: readable when the process has ended
  std::optional<int> status_;
  std::string log_;
};

/// A process as /proc shows it.
struct process_info {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';    ///< 'R', 'S', 'T' (stopped), 'Z' (ended, not yet waited for), ...
  std::string command; ///< arguments, separated by blanks
};

/// All descendants of `root`, parents before their children. Those that have ended ('Z') are left out.
std::vector<process_info> descendants(pid_t root);

/// Those of them that work, or wait for work, as tasks.
std::vector<process_info> tasks_of(pid_t root);

/// From now on, children of ended descendants become children of this process, where `descendants` shows them. The
/// first `process` does the same.
void adopt_orphans();

/// Waits for ended children that this process did not start itself: they were left behind by killed nodes.
void reap_orphans();

/// Whether no task is left whose worker is gone.
bool no_orphans();

/// What a process holds.
struct holdings {
  size_t threads = 0;
  size_t descriptors = 0;

  bool operator==(const holdings&) const = default;
};

/// Zeros for a process that is gone.
holdings holdings_of(pid_t pid);

/// What files, sockets, pipes its descriptors are, one a line; for messages.
std::string descriptors_of(pid_t pid);

/// The whole file; empty if it cannot be read.
std::string read_file(const std::string& path);

} // namespace troupe::test
