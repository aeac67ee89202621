// What bounds a running process without any control group, and without rights that an ordinary user has not.
//
// Each function names its mechanism, or says why it does not hold. All of them reach every thread that the process has, and those that it starts later.
#pragma once

#include "messages/limits.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace troupe::limits {

struct enforcement {
  bool enforced = false;
  std::string how;
};

/// As many processors as the cores that it may use, rounded up. `turn` spreads several processes over the machine.
enforcement limit_processors(pid_t pid, uint32_t cpu_millis, uint32_t turn);

/// Private memory, beyond what the process has now. An allocation that goes further fails.
enforcement limit_memory(pid_t pid, uint64_t bytes);

/// The size of any file that it writes.
enforcement limit_file_size(pid_t pid, uint64_t bytes);

/// `pid` has to lead a process group of its own.
enforcement set_nice(pid_t pid, int32_t nice);

/// As `work_limits::io_priority`; `pid` has to lead a process group of its own.
enforcement set_io_priority(pid_t pid, int32_t priority);

} // namespace troupe::limits
