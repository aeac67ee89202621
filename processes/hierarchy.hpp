// Where this process stands in the kernel's control groups: which hierarchies are mounted, and which group of each is its own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::limits {

/// Folders of the groups that this process is in. Empty where there is no such hierarchy, or where it is mounted so that the group is out of sight.
struct own_groups {
  std::string unified;                                ///< of version 2
  std::map<std::string, std::string, std::less<>> v1; ///< by controller: "memory", "cpu"
};

/// Reads `self/cgroup` and `self/mountinfo` below `proc`.
own_groups find_own_groups(const std::string& proc = "/proc");

/// A control file's text; nothing where it cannot be read.
std::optional<std::string> read_control(const std::string& path);

/// Writes a control file that is there already. False, with `errno`, where the kernel does not take it.
bool write_control(const std::string& path, std::string_view value);

/// The number behind `key` in a control file, where a line is "key number"; 0 where there is none.
uint64_t control_number(const std::string& path, std::string_view key);

} // namespace troupe::limits
