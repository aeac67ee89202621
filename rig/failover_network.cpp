#include "rig/failover_network.hpp"

#include "rig/process.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

constexpr std::chrono::milliseconds command_limit{5'000};
constexpr const char* bridge = "troupe";

// From the block for private use; it exists only in our own namespaces.
constexpr const char* network_prefix = "10.213.71.";

std::string outer_end(size_t network) {
  return "out" + std::to_string(network);
}

std::string inner_end(size_t network) {
  return "in" + std::to_string(network);
}

void must(const std::vector<std::string>& command) {
  auto result = run_process(command, command_limit);
  if (result.ok())
    return;
  std::string words;
  for (auto& x : command)
    words += (words.empty() ? "" : " ") + x;
  throw std::runtime_error("cannot make a network: " + words + ": " + result.out);
}

/// A child that lives in a new network namespace until its parent ends. The parent knows that the namespace exists when
/// the pipe is closed.
pid_t hold_network() {
  int ready[2];
  if (::pipe(ready) != 0)
    return -1;
  auto parent = ::getpid();
  auto child = ::fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ready[0]);
    if (getppid() != parent || ::unshare(CLONE_NEWNET) != 0 || ::write(ready[1], "", 1) != 1)
      _exit(1);
    ::close(ready[1]);
    for (;;)
      ::pause();
  }
  ::close(ready[1]);
  char byte = 0;
  auto there = child > 0 && ::read(ready[0], &byte, 1) == 1;
  ::close(ready[0]);
  return there ? child : -1;
}

} // namespace

std::string failover_network::obstacle() {
  if (::geteuid() != 0)
    return "private networks need root";
  for (auto* tool : {"ip", "nsenter"})
    if (!run_process({tool, "-V"}, command_limit).ok())
      return std::string{"there is no "} + tool;
  if (!run_process({"unshare", "--net", "ip", "link", "add", bridge, "type", "bridge"}, command_limit).ok())
    return "this kernel or container does not allow network namespaces";
  return {};
}

failover_network::failover_network(size_t count) : machine_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  if (machine_ < 0 || ::unshare(CLONE_NEWNET) != 0) {
    auto why = std::string{"cannot leave the machine's network: "} + std::strerror(errno);
    end();
    throw std::runtime_error(why);
  }
  try {
    must({"ip", "link", "set", "lo", "up"});
    must({"ip", "link", "add", bridge, "type", "bridge"});
    must({"ip", "address", "add", address() + "/24", "dev", bridge});
    must({"ip", "link", "set", bridge, "up"});
    for (size_t i = 0; i < count; ++i)
      add(i);
  } catch (...) {
    end();
    throw;
  }
}

failover_network::~failover_network() {
  end();
}

void failover_network::end() {
  for (auto x : holders_) {
    ::kill(x, SIGKILL);
    ::waitpid(x, nullptr, 0);
  }
  holders_.clear();
  if (machine_ < 0)
    return;
  (void)::setns(machine_, CLONE_NEWNET);
  ::close(machine_);
  machine_ = -1;
}

void failover_network::add(size_t network) {
  auto holder = hold_network();
  if (holder < 0)
    throw std::runtime_error(std::string{"cannot make a network: "} + std::strerror(errno));
  holders_.push_back(holder);
  auto in = inner_end(network);
  auto out = outer_end(network);
  auto pid = std::to_string(holder);
  auto inside = [&pid](std::vector<std::string> words) {
    words.insert(words.begin(), {"nsenter", "--target", pid, "--net", "ip"});
    must(words);
  };
  must({"ip", "link", "add", out, "type", "veth", "peer", "name", in});
  must({"ip", "link", "set", in, "netns", pid});
  must({"ip", "link", "set", out, "master", bridge, "up"});
  inside({"link", "set", "lo", "up"});
  inside({"address", "add", network_prefix + std::to_string(network + 2) + "/24", "dev", in});
  inside({"link", "set", in, "up"});
}

std::string failover_network::address() const {
  return std::string{network_prefix} + "1";
}

std::string failover_network::file(size_t network) const {
  return "/proc/" + std::to_string(holders_.at(network)) + "/ns/net";
}

void failover_network::cut(size_t network) {
  must({"ip", "link", "set", outer_end(network), "down"});
}

void failover_network::join(size_t network) {
  must({"ip", "link", "set", outer_end(network), "up"});
}

} // namespace troupe::bench
