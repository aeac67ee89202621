// All limits of one process, by the best mechanism that this machine has for each, and what is known of it in the end.
//
// Cores and memory: a control group of version 2, else of version 1, else processor affinity and an rlimit. File size: an rlimit. Nice and ionice are what they are.
// Time and the sum of all files are a job's and not a process': its job looks after them.
#pragma once

#include "messages/limits.hpp"
#include "processes/control_groups.hpp"

#include <sys/types.h>

#include <string>

namespace troupe::limits {

class enforcer {
public:
  explicit enforcer(control_groups groups = control_groups{}) : groups_{std::move(groups)} {}

  /// Limits a process that leads a process group of its own and is still waiting for its work. Returns what enforces each limit, for people: "cpu 1.5 by
  /// cgroup v2, memory 512 MiB by cgroup v2, nice 10".
  std::string limit(pid_t pid, const std::string& name, const work_limits& x);

  /// The process has ended: its group goes. True where it was killed because it had more memory than it may.
  bool ended(const std::string& name);

private:
  control_groups groups_;
  uint32_t turn_ = 0;
};

/// "512 MiB", "1.5 GiB": at most one place after the point.
std::string size_text(uint64_t bytes);

} // namespace troupe::limits
