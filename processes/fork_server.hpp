// The process from which children of this program are forked.
//
// A program started from its file spends 60 to 80 ms of processor time in the dynamic linker, because libav* brings a
// hundred libraries. Forking a process that has loaded them and does nothing else takes a few milliseconds. The server
// is created while this program has one thread. It forks through an intermediate process that ends at once. The kernel
// then gives each child to the nearest living ancestor that asked for orphans (PR_SET_CHILD_SUBREAPER), which is this
// program. So this program waits for them like for any child. The server ends with this program.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace troupe {

/// What a process starts with: its arguments, beginning with the program's name, and its standard streams.
struct birth {
  std::vector<std::string> arguments;
  int input = -1;
  int output = -1;
};

/// In this process it returns nothing. In each forked child it returns the child's arguments: the caller must then
/// continue as at the program's start. If a library has already started a thread, there is no server. Pass `argc` and
/// `argv` as `main` got them: their memory is overwritten with the child's arguments, for `ps`.
std::optional<std::vector<std::string>> open_fork_server(int argc, char** argv);

/// False if there is no fork server, or if it has ended.
bool has_fork_server();

/// The child's process id. The error says why no child was started. A server that does not answer is killed.
tl::expected<pid_t, std::string> fork_child(const birth& x);

} // namespace troupe
