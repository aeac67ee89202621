// Applies all limits of a process, each with the best mechanism that this machine has. Tells after its end whether it
// was killed for exceeding its memory limit.
//
// Cores and memory: a control group of version 2, else of version 1, else processor affinity and an rlimit. File size:
// an rlimit. Nice and ionice: the system calls of those names. Time and the total size of all files belong to a job
// rather than to a process: the job enforces them.
#pragma once

#include "messages/limits.hpp"
#include "processes/control_groups.hpp"

#include <sys/types.h>

#include <string>

namespace troupe::limits {

class enforcer {
public:
  explicit enforcer(control_groups groups = control_groups{}) : groups_{std::move(groups)} {}

  /// Limits a process that leads its own process group and still waits for its work. Returns what enforces each limit,
  /// human-readable: "cpu 1.5 by cgroup v2, memory 512 MiB by cgroup v2, nice 10".
  std::string limit(pid_t pid, const std::string& name, const work_limits& x);

  /// The process has ended: removes its group. True if it was killed for exceeding its memory limit.
  bool ended(const std::string& name);

private:
  control_groups groups_;
  uint32_t turn_ = 0;
};

/// "512 MiB", "1.5 GiB": at most one decimal place.
std::string size_text(uint64_t bytes);

} // namespace troupe::limits
