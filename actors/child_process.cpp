#include "actors/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace troupe {

namespace {

constexpr const char* this_program = "/proc/self/exe";

struct pipe_ends {
  int read = -1;
  int write = -1;
};

bool open_pipe(pipe_ends& x) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return false;
  x = {ends[0], ends[1]};
  return true;
}

void close_both(const pipe_ends& x) {
  if (x.read >= 0)
    ::close(x.read);
  if (x.write >= 0)
    ::close(x.write);
}

/// Cards are numbered by their PCI addresses, as the driver's management library does, not by their speed.
constexpr std::string_view cuda_order = "CUDA_DEVICE_ORDER=PCI_BUS_ID";

/// The environment without the variables that configure this node: a child is told all it needs in its arguments. One that hides cards would number the
/// others anew; the node keeps to it, and names none that it hides.
std::vector<char*> child_environment() {
  std::vector<char*> result{const_cast<char*>(cuda_order.data())};
  for (auto i = environ; *i != nullptr; ++i) {
    std::string_view variable{*i};
    if (!variable.starts_with("TROUPE_") && !variable.starts_with("TVARR_")
        && !variable.starts_with("CUDA_DEVICE_ORDER=") && !variable.starts_with("CUDA_VISIBLE_DEVICES="))
      result.push_back(*i);
  }
  result.push_back(nullptr);
  return result;
}

int spawn(pid_t& pid, const std::vector<std::string>& arguments, const pipe_ends& in, const pipe_ends& out) {
  std::vector<char*> argv;
  std::string name = "caf-node";
  argv.push_back(name.data());
  for (auto& a : arguments)
    argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write >= 0 ? out.write : STDERR_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // Signals as a fresh program expects them, and a process group of its own: a Ctrl-C at the terminal is for the node, which
  // then ends its children in order.
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  auto result = ::posix_spawn(&pid, this_program, &actions, &attributes, argv.data(), child_environment().data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return result;
}

} // namespace

tl::expected<child_process, std::string> start_child(const std::vector<std::string>& arguments, bool capture) {
  pipe_ends in, out;
  if (!open_pipe(in) || (capture && !open_pipe(out))) {
    auto why = std::string{"cannot open a pipe to a new process: "} + std::strerror(errno);
    close_both(in);
    return tl::unexpected{why};
  }
  child_process result;
  auto error = spawn(result.pid, arguments, in, out);
  ::close(in.read);
  if (out.write >= 0)
    ::close(out.write);
  if (error != 0) {
    ::close(in.write);
    if (out.read >= 0)
      ::close(out.read);
    return tl::unexpected{std::string{"cannot start a new process: "} + std::strerror(error)};
  }
  result.input = in.write;
  result.output = out.read;
  return result;
}

bool write_line(const child_process& child, std::string_view line) {
  std::string text{line};
  text += '\n';
  // Shorter than PIPE_BUF: written whole or not at all.
  return ::write(child.input, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void close_input(child_process& child) {
  if (child.input >= 0)
    ::close(child.input);
  child.input = -1;
}

std::string describe_exit(int status) {
  if (WIFSIGNALED(status))
    return std::string{"killed by signal "} + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status))
           + ")";
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
    return "ended with status " + std::to_string(WEXITSTATUS(status));
  return {};
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    // a signal for another purpose
  }
  return status;
}

} // namespace troupe
