// System calls that no task needs, refused by a seccomp filter: starting programs and processes, tracing others,
// mounting, loading code into the kernel, and whatever else mainly serves an attack.
//
// It is a list of what is refused, not of what is allowed: the drivers of graphics cards use calls that nobody lists. A
// refused call fails with EPERM, and the log says so once for each call.
#pragma once

#include "processes/enforcement.hpp"

namespace troupe::cage {

/// Refuses the calls, in all threads of this process and for its whole life. Starts a thread that writes the log.
limits::enforcement refuse_system_calls();

/// Refuses sockets of networks, too. Open connections stay.
limits::enforcement refuse_networks();

} // namespace troupe::cage
