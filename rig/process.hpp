// Runs one child process and measures its cost.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace troupe::bench {

struct process_result {
  bool started = false;
  bool timed_out = false; ///< it was killed at its time limit
  int status = -1;        ///< exit status, or 128 + signal
  double wall_s = 0;
  double cpu_s = 0; ///< user and system, all threads
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

} // namespace troupe::bench
