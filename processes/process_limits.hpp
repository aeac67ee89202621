// Limits for a running process that need neither a control group nor special rights.
//
// Each function names its mechanism, or says why the limit does not hold. All limits reach every thread of the process,
// and those that it starts later.
#pragma once

#include "messages/limits.hpp"
#include "processes/enforcement.hpp"

#include <sys/types.h>

#include <cstdint>

namespace troupe::limits {

/// Binds the process to as many processors as `cpu_millis` needs, rounded up. `turn` spreads processes across the
/// machine.
enforcement limit_processors(pid_t pid, uint32_t cpu_millis, uint32_t turn);

/// Limits the private memory that the process allocates in addition to what it has now. An allocation beyond the limit
/// fails.
enforcement limit_memory(pid_t pid, uint64_t bytes);

/// Limits the size of each file that the process writes.
enforcement limit_file_size(pid_t pid, uint64_t bytes);

/// `pid` must lead a process group of its own.
enforcement set_nice(pid_t pid, int32_t nice);

/// See `work_limits::io_priority`; `pid` must lead a process group of its own.
enforcement set_io_priority(pid_t pid, int32_t priority);

} // namespace troupe::limits
