// Control groups for task processes: a group of its own for each process that is limited, below the group of this daemon.
//
// Version 2 wants its controllers passed down by hand, and a group that passes them down may hold no process itself. So the daemon moves
// itself into a group "daemon" below its own, once, when the first limit is asked for. It does so only where the group is its own: nobody lives in it but it
// and its children, as in that of a service with Delegate=yes. A group that others live in is left as it is.
// Version 1 has a hierarchy for each controller and no such rule: groups are made below the daemon's own.
//
// Groups are named after the daemon's process, so that those of a daemon that was killed are found and removed by the next.
#pragma once

#include "messages/limits.hpp"
#include "processes/hierarchy.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::limits {

class control_groups {
public:
  explicit control_groups(own_groups own = find_own_groups(), std::string proc = "/proc");

  /// A limit that a group enforces: "cgroup v2", "cgroup v1"; or why it does not.
  struct outcome {
    bool enforced = false;
    std::string how;
  };

  struct result {
    outcome cpu;
    outcome memory;
  };

  /// Moves the process into a group of its own with what `x` asks for of cores and memory. `name` is the caller's, of letters and digits.
  result limit(pid_t pid, const std::string& name, const work_limits& x);

  /// Whether the kernel killed a process of the group because it had more memory than it may.
  bool out_of_memory(const std::string& name) const;

  /// Removes the group, once its processes have ended.
  void remove(const std::string& name);

  /// Removes the empty groups of daemons that are gone, and of this one's namesake before it.
  void sweep();

private:
  /// Makes the version 2 group of the daemon one that has groups below it; once.
  void prepare();
  bool is_ours(const std::string& folder) const;
  bool move_into(const std::string& folder, const std::string& from) const;
  void sweep(const std::string& folder, bool own_too) const;
  std::vector<std::string> folders() const;
  std::string group(const std::string& below, const std::string& name) const;

  outcome limit_unified(pid_t pid, const std::string& folder, bool cpu, const work_limits& x) const;
  outcome limit_v1(pid_t pid, const std::string& controller, const std::string& name, const work_limits& x) const;

  own_groups own_;
  std::string proc_;
  std::string prefix_;
  bool prepared_ = false;
  std::string unavailable_;              ///< why version 2 cannot be used
  std::vector<std::string> controllers_; ///< of version 2, that groups below the daemon's have
};

} // namespace troupe::limits
