// Landlock: the kernel keeps files from a process that it has no need for. The process can only ever lose access.
//
// A process under Landlock executes no file, traces only processes that are under the same rules, listens at no TCP
// port, and signals only itself. What holds depends on the kernel: files from 5.13 on, ports from 6.7 on,
// signals from 6.12 on.
#pragma once

#include "processes/enforcement.hpp"

#include <string>
#include <vector>

namespace troupe::cage {

/// Files and folders with all that is in them. Those that do not exist are left out.
struct file_view {
  std::vector<std::string> read;
  std::vector<std::string> write; ///< also read
};

/// Keeps all files from this thread, and from threads that it starts later, except those of `x` and those of the system
/// that media work needs: libraries, certificates, fonts, names of hosts, graphics cards. The process must have one
/// thread.
limits::enforcement restrict_files(const file_view& x);

} // namespace troupe::cage
