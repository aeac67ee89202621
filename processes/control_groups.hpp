// Control groups for task processes: each limited process gets its own group, below the worker's group.
//
// In version 2, controllers must be passed down explicitly, and a group that passes them down must hold no process. So
// the worker moves itself into a group "daemon" below its own, once, at the first limit. It does so only if the group
// holds just the worker and its children, as for a service with Delegate=yes. A group with other processes is left
// unchanged. Version 1 has one hierarchy per controller and no such rule: groups are made below the worker's own.
//
// The names of groups contain the worker's process id, so that the next worker finds and removes the groups of a killed
// worker.
#pragma once

#include "messages/limits.hpp"
#include "processes/enforcement.hpp"
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

  struct result {
    enforcement cpu;
    enforcement memory;
  };

  /// Moves the process into a group of its own, with the limits of `x` on cores and memory. The caller chooses `name`,
  /// of letters and digits.
  result limit(pid_t pid, const std::string& name, const work_limits& x);

  /// Whether the kernel killed a process of the group for exceeding its memory limit.
  bool out_of_memory(const std::string& name) const;

  /// Removes the group, once its processes have ended.
  void remove(const std::string& name);

  /// Removes the empty groups of workers that are gone.
  void sweep();

private:
  /// Prepares the worker's version 2 group to hold groups below it; once.
  void prepare();
  bool is_ours(const std::string& folder) const;
  bool move_into(const std::string& folder, const std::string& from) const;
  /// `own_too`: removes also the groups of an earlier process that had this process's id.
  void sweep(const std::string& folder, bool own_too) const;
  std::vector<std::string> folders() const;
  std::string group(const std::string& below, const std::string& name) const;

  enforcement limit_unified(pid_t pid, const std::string& folder, bool cpu, const work_limits& x) const;
  enforcement limit_v1(pid_t pid, const std::string& controller, const std::string& name, const work_limits& x) const;

  own_groups own_;
  std::string proc_;
  std::string prefix_;
  bool prepared_ = false;
  std::string unavailable_;              ///< why version 2 is unusable
  std::vector<std::string> controllers_; ///< version 2 controllers available to groups below the worker's
};

} // namespace troupe::limits
