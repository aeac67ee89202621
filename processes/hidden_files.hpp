// Files that a process must not see although they lie in a folder that it may read, such as a node's keys in a home
// folder.
//
// The process gets a mount namespace of its own. There an empty folder lies over each hidden folder, and /dev/null over
// each hidden file. Root may do this where it has the right to mount. Other users get a user namespace for it, where
// the kernel lets them.
#pragma once

#include "processes/enforcement.hpp"

#include <string>
#include <vector>

namespace troupe::cage {

/// Hides files and folders from this process, and its children. Folders in `kept` stay visible at their place. What
/// does not exist is left out. The process must have one thread, and must be dumpable.
limits::enforcement hide(const std::vector<std::string>& hidden, const std::vector<std::string>& kept);

} // namespace troupe::cage
