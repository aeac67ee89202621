#include "processes/process_limits.hpp"

#include "processes/hierarchy.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <vector>

namespace troupe::limits {

namespace {

namespace fs = std::filesystem;

// From <linux/ioprio.h>, which not every system installs.
constexpr int io_who_group = 2;
constexpr int io_class_best_effort = 2;
constexpr int io_class_idle = 3;
constexpr int io_class_shift = 13;

/// The existing threads, by their numbers.
std::set<pid_t> threads_of(pid_t pid) {
  std::set<pid_t> result;
  std::error_code ignored;
  for (auto& entry : fs::directory_iterator{"/proc/" + std::to_string(pid) + "/task", ignored}) {
    auto name = entry.path().filename().string();
    pid_t id = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), id).ec == std::errc{})
      result.insert(id);
  }
  return result;
}

/// `n` of the processors that the process may use, starting with the `turn`-th.
cpu_set_t chosen(const cpu_set_t& allowed, size_t n, uint32_t turn) {
  std::vector<int> all;
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &allowed))
      all.push_back(i);
  cpu_set_t result;
  CPU_ZERO(&result);
  for (size_t i = 0; i < std::min(n, all.size()); ++i)
    CPU_SET(all[(turn * n + i) % all.size()], &result);
  return result;
}

} // namespace

enforcement limit_processors(pid_t pid, uint32_t cpu_millis, uint32_t turn) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(pid, sizeof allowed, &allowed) != 0)
    return outcome_of(false, "affinity");
  auto wanted = std::max<size_t>(1, (size_t{cpu_millis} + 999) / 1000);
  auto processors = chosen(allowed, wanted, turn);
  // A thread started in the meantime inherits the set of its creator: repeat until no new thread is found.
  std::set<pid_t> seen;
  for (auto more = true; more;) {
    more = false;
    for (auto thread : threads_of(pid))
      if (seen.insert(thread).second) {
        more = true;
        if (::sched_setaffinity(thread, sizeof processors, &processors) != 0 && errno != ESRCH)
          return outcome_of(false, "affinity");
      }
  }
  return {true, "affinity to " + std::to_string(CPU_COUNT(&processors)) + " of " + std::to_string(CPU_COUNT(&allowed))
                  + " processors"};
}

enforcement limit_memory(pid_t pid, uint64_t bytes) {
  auto status = "/proc/" + std::to_string(pid) + "/status";
  // Reserved address space, mostly of thread stacks, counts for this limit although it is no memory: so it is added.
  constexpr uint64_t kibibyte = 1024;
  auto reserved = control_number(status, "VmData:") * kibibyte;
  rlimit64 limit{reserved + bytes, reserved + bytes};
  return outcome_of(::prlimit64(pid, RLIMIT_DATA, &limit, nullptr) == 0, "rlimit of data");
}

enforcement limit_file_size(pid_t pid, uint64_t bytes) {
  rlimit64 limit{bytes, bytes};
  return outcome_of(::prlimit64(pid, RLIMIT_FSIZE, &limit, nullptr) == 0, "rlimit of file size");
}

enforcement set_nice(pid_t pid, int32_t nice) {
  return outcome_of(::setpriority(PRIO_PGRP, static_cast<id_t>(pid), nice) == 0, "nice");
}

enforcement set_io_priority(pid_t pid, int32_t priority) {
  auto value = priority == work_limits::io_idle ? io_class_idle << io_class_shift
                                                : io_class_best_effort << io_class_shift | priority;
  return outcome_of(::syscall(SYS_ioprio_set, io_who_group, pid, value) == 0, "ioprio");
}

} // namespace troupe::limits
