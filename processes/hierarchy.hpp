// The place of this process in the kernel's control groups: which hierarchies are mounted, and which group of each is
// its own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::limits {

/// Folders of the groups that this process is in. Empty if there is no such hierarchy, or if its mount does not show
/// the group.
struct own_groups {
  std::string unified;                                ///< of version 2
  std::map<std::string, std::string, std::less<>> v1; ///< by controller: "memory", "cpu"
};

/// Reads `self/cgroup` and `self/mountinfo` below `proc`.
own_groups find_own_groups(const std::string& proc = "/proc");

/// A control file's text; empty if it cannot be read.
std::optional<std::string> read_control(const std::string& path);

/// Writes an existing control file. False, with `errno`, if the kernel refuses.
bool write_control(const std::string& path, std::string_view value);

/// The number after `key` in a control file with lines "key number"; 0 if there is none.
uint64_t control_number(const std::string& path, std::string_view key);

} // namespace troupe::limits
