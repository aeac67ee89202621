// Child processes of this program: started, fed one secret line, waited for.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace troupe {

/// A started child. Its standard input is a pipe whose other end is `input`: the child reads what it must not show in its arguments
/// from there, and sees the end of it when this process is gone.
struct child_process {
  pid_t pid = 0;
  int input = -1;  ///< to write to; closed by `close_input`
  int output = -1; ///< to read from, where asked for
};

/// Starts this very program with `arguments`, from the fork server where there is one and else from its file, in a process group of its own,
/// with no descriptor but the three standard ones. With `capture` the child's standard output comes back through `output`, else it goes to
/// standard error.
tl::expected<child_process, std::string> start_child(const std::vector<std::string>& arguments, bool capture);

/// Whether children get this variable ("NAME=value"). Those that configure this node they do not: a child is told all it needs in its arguments. One that hides
/// cards would number the others anew; the node keeps to it, and names none that it hides.
bool is_inherited(std::string_view variable);

/// The environment of children. Valid until that of this process is changed.
std::vector<char*> child_environment();

/// False when the child does not listen.
bool write_line(const child_process& child, std::string_view line);

void close_input(child_process& child);

/// How a process ended, in words; empty for a regular end. `status` is what `waitpid` returned.
std::string describe_exit(int status);

/// Blocks until the process has ended and returns its status.
int wait_for(pid_t pid);

} // namespace troupe
