#include "processes/control_groups.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <utility>

namespace troupe::limits {

namespace {

namespace fs = std::filesystem;

constexpr const char* daemon_group = "daemon";
constexpr std::string_view group_prefix = "troupe.";

/// Microseconds: the period for a share of the processor. This is the kernel's own default.
constexpr uint64_t cpu_period = 100'000;

std::vector<pid_t> processes_in(const std::string& folder) {
  std::vector<pid_t> result;
  std::istringstream lines{read_control(folder + "/cgroup.procs").value_or(std::string{})};
  for (pid_t pid = 0; lines >> pid;)
    result.push_back(pid);
  return result;
}

bool lists_word(const std::string& path, const std::string& word) {
  std::istringstream words{read_control(path).value_or(std::string{})};
  for (std::string x; words >> x;)
    if (x == word)
      return true;
  return false;
}

std::string refusal(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

bool make_folder(const std::string& path) {
  return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

uint64_t quota(const work_limits& x) {
  return uint64_t{x.cpu_millis} * cpu_period / 1000;
}

} // namespace

control_groups::control_groups(own_groups own, std::string proc)
  : own_{std::move(own)},
    proc_{std::move(proc)},
    prefix_{std::string{group_prefix} + std::to_string(::getpid()) + "."} {
  for (auto& folder : folders())
    sweep(folder, true);
}

std::string control_groups::group(const std::string& below, const std::string& name) const {
  return below + "/" + prefix_ + name;
}

std::vector<std::string> control_groups::folders() const {
  std::vector<std::string> result;
  if (!own_.unified.empty())
    result.push_back(own_.unified);
  for (auto& [controller, folder] : own_.v1)
    result.push_back(folder);
  return result;
}

// -- version 2 ----------------------------------------------------------------

bool control_groups::is_ours(const std::string& folder) const {
  // The root of the hierarchy has no file cgroup.type, and belongs to no service.
  if (!read_control(folder + "/cgroup.type"))
    return false;
  auto me = ::getpid();
  for (auto pid : processes_in(folder)) {
    // Walk from parent to parent, up to this process or to process 1.
    auto at = pid;
    for (int depth = 0; at > 1 && at != me && depth < 64; ++depth) {
      auto stat = read_control(proc_ + "/" + std::to_string(at) + "/stat").value_or(std::string{});
      auto name_end = stat.rfind(')');
      std::istringstream rest{name_end == std::string::npos ? std::string{} : stat.substr(name_end + 1)};
      std::string state;
      at = 0;
      rest >> state >> at;
    }
    if (at != me)
      return false;
  }
  return true;
}

bool control_groups::move_into(const std::string& folder, const std::string& from) const {
  // A process started in the meantime begins in its parent's group; the next pass finds it.
  constexpr int looks_max = 8;
  for (int look = 0; look < looks_max; ++look) {
    auto found = processes_in(from);
    if (found.empty())
      break;
    for (auto pid : found)
      if (!write_control(folder + "/cgroup.procs", std::to_string(pid)) && errno != ESRCH)
        return false;
  }
  return true;
}

void control_groups::prepare() {
  if (std::exchange(prepared_, true) || own_.unified.empty())
    return;
  auto& own = own_.unified;
  auto passed_down = own + "/cgroup.subtree_control";
  std::vector<std::string> wanted;
  for (auto name : {"cpu", "memory"}) {
    if (lists_word(passed_down, name))
      controllers_.emplace_back(name);
    else if (lists_word(own + "/cgroup.controllers", name))
      wanted.emplace_back(name);
  }
  if (wanted.empty()) {
    if (controllers_.empty())
      unavailable_ = own + " has neither cpu nor memory";
    return;
  }
  if (!is_ours(own)) {
    unavailable_ = own + " is not this worker's own; run it as a service with Delegate=yes";
    return;
  }
  auto home = own + "/" + daemon_group;
  if (!make_folder(home) || !move_into(home, own)) {
    unavailable_ = refusal(home);
    return;
  }
  for (auto& name : wanted)
    if (write_control(passed_down, "+" + name))
      controllers_.push_back(name);
    else
      unavailable_ = refusal(passed_down);
  if (!controllers_.empty())
    return;
  // Without a controller the move is useless: back to the original group.
  (void)move_into(own, home);
  ::rmdir(home.c_str());
}

enforcement control_groups::limit_unified(pid_t pid, const std::string& folder, bool cpu, const work_limits& x) const {
  if (!make_folder(folder))
    return {false, refusal(folder)};
  if (cpu) {
    if (!write_control(folder + "/cpu.max", std::to_string(quota(x)) + " " + std::to_string(cpu_period)))
      return {false, refusal(folder + "/cpu.max")};
  } else {
    if (!write_control(folder + "/memory.max", std::to_string(x.memory_bytes)))
      return {false, refusal(folder + "/memory.max")};
    // Swapped-out memory would not count.
    (void)write_control(folder + "/memory.swap.max", "0");
    (void)write_control(folder + "/memory.oom.group", "1");
  }
  if (!write_control(folder + "/cgroup.procs", std::to_string(pid)))
    return {false, refusal(folder + "/cgroup.procs")};
  return {true, "cgroup v2"};
}

// -- version 1 ----------------------------------------------------------------

enforcement control_groups::limit_v1(pid_t pid, const std::string& controller, const std::string& name,
                                     const work_limits& x) const {
  auto below = own_.v1.find(controller);
  if (below == own_.v1.end())
    return {false, unavailable_.empty() ? "no control group has " + controller : unavailable_};
  auto folder = group(below->second, name);
  if (!make_folder(folder))
    return {false, refusal(folder)};
  if (controller == "cpu") {
    if (!write_control(folder + "/cpu.cfs_period_us", std::to_string(cpu_period))
        || !write_control(folder + "/cpu.cfs_quota_us", std::to_string(quota(x))))
      return {false, refusal(folder + "/cpu.cfs_quota_us")};
  } else {
    auto bytes = std::to_string(x.memory_bytes);
    if (!write_control(folder + "/memory.limit_in_bytes", bytes))
      return {false, refusal(folder + "/memory.limit_in_bytes")};
    (void)write_control(folder + "/memory.memsw.limit_in_bytes", bytes); // exists only if swap is accounted
  }
  if (!write_control(folder + "/cgroup.procs", std::to_string(pid)))
    return {false, refusal(folder + "/cgroup.procs")};
  return {true, "cgroup v1"};
}

// -- both versions -----------------------------------------------------------

control_groups::result control_groups::limit(pid_t pid, const std::string& name, const work_limits& x) {
  prepare();
  auto one = [&](const std::string& controller) {
    if (std::find(controllers_.begin(), controllers_.end(), controller) != controllers_.end())
      return limit_unified(pid, group(own_.unified, name), controller == "cpu", x);
    return limit_v1(pid, controller, name, x);
  };
  result made;
  if (x.cpu_millis > 0)
    made.cpu = one("cpu");
  if (x.memory_bytes > 0)
    made.memory = one("memory");
  return made;
}

bool control_groups::out_of_memory(const std::string& name) const {
  if (!own_.unified.empty() && control_number(group(own_.unified, name) + "/memory.events", "oom_kill") > 0)
    return true;
  auto memory = own_.v1.find("memory");
  return memory != own_.v1.end() && control_number(group(memory->second, name) + "/memory.oom_control", "oom_kill") > 0;
}

void control_groups::remove(const std::string& name) {
  // A group whose processes are still ending is removed later, by `sweep`.
  for (auto& folder : folders())
    ::rmdir(group(folder, name).c_str());
}

void control_groups::sweep() {
  for (auto& folder : folders())
    sweep(folder, false);
}

void control_groups::sweep(const std::string& folder, bool own_too) const {
  std::error_code ignored;
  for (auto& entry : fs::directory_iterator{folder, ignored}) {
    auto name = entry.path().filename().string();
    if (!name.starts_with(group_prefix))
      continue;
    pid_t pid = 0;
    auto digits = name.data() + group_prefix.size();
    if (std::from_chars(digits, name.data() + name.size(), pid).ec != std::errc{} || pid <= 0)
      continue;
    auto gone = pid == ::getpid() ? own_too : ::kill(pid, 0) != 0 && errno == ESRCH;
    if (gone && processes_in(entry.path()).empty())
      ::rmdir(entry.path().c_str()); // the kernel refuses if it is not empty after all
  }
}

} // namespace troupe::limits
