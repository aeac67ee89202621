// Output goes to an unnamed file, not a pipe, so that no reader is needed while the child runs and is measured.
#include "rig/process.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 declares its functions without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

namespace troupe::bench {

namespace {

double seconds(const timeval& value) {
  return static_cast<double>(value.tv_sec) + static_cast<double>(value.tv_usec) * 1e-6;
}

/// Starts the child; returns 0 on failure.
pid_t spawn(const std::vector<std::string>& arguments, int out) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (auto& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
  pid_t pid = 0;
  auto failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ) != 0;
  posix_spawn_file_actions_destroy(&actions);
  return failed ? 0 : pid;
}

/// False if the child still runs after `limit`.
bool wait_for_end(pid_t pid, std::chrono::milliseconds limit) {
  auto handle = pidfd_open(pid, 0);
  if (handle < 0)
    return true;
  pollfd entry{handle, POLLIN, 0};
  auto end = std::chrono::steady_clock::now() + limit;
  int ready = 0;
  do {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    ready = poll(&entry, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
  } while (ready < 0 && errno == EINTR);
  close(handle);
  return ready != 0;
}

std::string read_all(int file) {
  constexpr size_t size_max = 1 << 20;
  std::string result(size_max, '\0');
  auto got = pread(file, result.data(), result.size(), 0);
  result.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return result;
}

} // namespace

process_result run_process(const std::vector<std::string>& arguments, std::chrono::milliseconds limit) {
  process_result result;
  auto out = memfd_create("troupe-bench-output", MFD_CLOEXEC);
  if (out < 0)
    return result;
  auto start = std::chrono::steady_clock::now();
  auto pid = spawn(arguments, out);
  result.started = pid != 0;
  if (result.started) {
    if (!wait_for_end(pid, limit)) {
      result.timed_out = true;
      kill(pid, SIGKILL);
    }
    int status = 0;
    rusage usage{};
    while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    result.rss_mib = static_cast<double>(usage.ru_maxrss) / 1024;
    result.out = read_all(out);
  }
  close(out);
  return result;
}

std::string own_program() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).string();
}

} // namespace troupe::bench
