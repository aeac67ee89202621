#include "test/faulty_node/escape.hpp"

#include "telemetry/log.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace troupe::test {

namespace {

void tell(const char* what, bool succeeded) {
  auto why = succeeded ? "" : std::strerror(errno);
  telemetry::log::warning(succeeded ? "an escape SUCCEEDED" : "an escape was refused",
                          {{"what", what}, {"reason", why}});
}

bool opens(const std::string& path, int flags) {
  auto fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  return fd >= 0 && ::close(fd) == 0;
}

/// Whether a file has something to read; a hidden one is empty.
bool reads(const std::string& path) {
  char byte = 0;
  auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  return fd >= 0 && ::read(fd, &byte, 1) == 1;
}

/// Whether a folder shows anything besides the task's own files.
bool shows(const std::string& folder) {
  std::error_code failed;
  for (std::filesystem::directory_iterator i{folder, failed}, end; !failed && i != end; i.increment(failed))
    if (i->path().filename() != "work")
      return true;
  return false;
}

} // namespace

void try_to_escape(const std::string& folder) {
  auto node = ::getppid();
  tell("write elsewhere", opens(folder + "/escaped", O_WRONLY | O_CREAT));
  tell("read the node's configuration", reads(folder + "/cluster.yaml"));
  tell("look into the node's folder", shows(folder + "/one"));
  tell("open a connection", ::socket(AF_INET, SOCK_STREAM, 0) >= 0);
  tell("trace the node", ::ptrace(PTRACE_SEIZE, node, nullptr, nullptr) == 0);
  tell("end the node", ::kill(node, SIGKILL) == 0);
  auto child = ::fork();
  if (child == 0)
    ::_exit(0);
  tell("start a process", child > 0);
  char* const arguments[] = {nullptr};
  tell("run a program", ::execve("/bin/true", arguments, arguments) == 0);
}

} // namespace troupe::test
