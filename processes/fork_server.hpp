// The process that children of this program are forked from.
//
// A program that runs from its file spends 60 to 80 ms of a processor in the dynamic linker: libav* brings a hundred libraries. A process that has
// them and does nothing else is forked in two. It is made while this program has one thread, and forks through one in between that ends
// at once, so that the kernel gives each child to this program as to its nearest living ancestor that asked for it
// (PR_SET_CHILD_SUBREAPER): it waits for them as for any of its own. It ends with this program.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace troupe {

/// What a process starts with: its arguments, the first of them the program's name, and its standard streams.
struct birth {
  std::vector<std::string> arguments;
  int input = -1;
  int output = -1;
};

/// Returns here with nothing, and in each child with its arguments: the caller goes on there as the program's beginning would. Where a library has started
/// a thread already there is no server. `argc` and `argv` as `main` got them: their memory shows the child's own.
std::optional<std::vector<std::string>> open_fork_server(int argc, char** argv);

/// False where there is none, or not any more.
bool has_fork_server();

/// The child's number. The error says why there is none; a server that does not answer is given up.
tl::expected<pid_t, std::string> fork_child(const birth& x);

} // namespace troupe
