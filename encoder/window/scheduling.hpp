// How the kernel is to share the processor among an encoder's threads.
#pragma once

namespace troupe::av {

/// Says that this thread, and those that it makes from now on, work for throughput: a thread that wakes up does not push aside one that runs (SCHED_BATCH,
/// sched(7)). An encoder's threads wake each other all the time; left alone until they wait, they keep their caches. For file work, not for live
/// streams, where a picture should not wait. Without effect where the system refuses.
void prefer_throughput() noexcept;

/// Says that this thread, and those that it makes from now on, work in the pauses of all others (SCHED_IDLE, sched(7)). What somebody waits for must
/// not be left to it alone: on a busy machine it hardly gets on. Without effect where the system refuses.
void take_what_is_left() noexcept;

/// Gives up the right to run before everybody else, for this thread and the threads and programs that it starts from now on. SVT-AV1, run by root, takes
/// real-time priority for all its threads and for the one that calls it: then no niceness holds, nothing else on the machine runs in time, and threads of
/// other encoders that wait for each other in a loop (libvpx) never end. Without effect for other users, who have no such right.
void forgo_real_time() noexcept;

} // namespace troupe::av
