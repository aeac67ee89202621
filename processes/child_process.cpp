#include "processes/child_process.hpp"

#include "processes/child_environment.hpp"
#include "processes/fork_server.hpp"

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

tl::expected<pid_t, std::string> run_file(const birth& x) {
  std::vector<char*> argv;
  for (auto& a : x.arguments)
    argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, x.input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, x.output, STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // The same signal state as the fork server gives.
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  auto error = ::posix_spawn(&pid, this_program, &actions, &attributes, argv.data(), child_environment().data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return tl::unexpected(std::string{std::strerror(error)});
  return pid;
}

tl::expected<child_process, std::string> start_once(const std::vector<std::string>& arguments, bool capture) {
  pipe_ends in, out;
  if (!open_pipe(in) || (capture && !open_pipe(out))) {
    auto why = std::string{"cannot open a pipe to a new process: "} + std::strerror(errno);
    close_both(in);
    return tl::unexpected{why};
  }
  birth x{{"caf-node"}, in.read, capture ? out.write : STDERR_FILENO};
  x.arguments.insert(x.arguments.end(), arguments.begin(), arguments.end());
  auto pid = has_fork_server() ? fork_child(x) : run_file(x);
  ::close(in.read);
  if (out.write >= 0)
    ::close(out.write);
  if (!pid) {
    ::close(in.write);
    if (out.read >= 0)
      ::close(out.read);
    return tl::unexpected{"cannot start a new process: " + pid.error()};
  }
  return child_process{*pid, in.write, out.read};
}

} // namespace

tl::expected<child_process, std::string> start_child(const std::vector<std::string>& arguments, bool capture) {
  auto from_server = has_fork_server();
  auto result = start_once(arguments, capture);
  // The server may have forked a child before it ended. That child reads the old pipe, so the second try makes a new
  // one.
  if (!result && from_server && !has_fork_server())
    return start_once(arguments, capture);
  return result;
}

bool write_line(const child_process& child, std::string_view line) {
  std::string text{line};
  text += '\n';
  // Shorter than PIPE_BUF: written completely or not at all.
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
    // interrupted by a signal: wait again
  }
  return status;
}

} // namespace troupe
