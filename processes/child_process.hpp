// Child processes of this program: started, given one secret line, waited for. The secret goes through a pipe, because
// arguments are visible to other users.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace troupe {

/// A started child. Its standard input is a pipe whose other end is `input`. From there the child reads secrets that
/// must not appear in its arguments. The child reads the end of the pipe when this process is gone.
struct child_process {
  pid_t pid = 0;
  int input = -1;  ///< to write to; closed by `close_input`
  int output = -1; ///< to read from, if requested
};

/// Starts this same program with `arguments`: through the fork server if there is one, else from its file. The child
/// gets a process group of its own, and no descriptor except the three standard ones. With `capture` the child's
/// standard output comes back through `output`, else it goes to standard error.
tl::expected<child_process, std::string> start_child(const std::vector<std::string>& arguments, bool capture);

/// False if the child has closed its input.
bool write_line(const child_process& child, std::string_view line);

void close_input(child_process& child);

/// How a process ended, in words; empty for a regular end. `status` is what `waitpid` returned.
std::string describe_exit(int status);

/// Blocks until the process has ended and returns its status.
int wait_for(pid_t pid);

} // namespace troupe
