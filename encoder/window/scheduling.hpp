// How the kernel shares the processor among an encoder's threads.
#pragma once

namespace troupe::av {

/// This thread, and threads that it starts later, work for throughput: a thread that wakes up does not preempt a
/// running one (SCHED_BATCH, sched(7)). An encoder's threads wake each other all the time; without preemption they keep
/// their caches. For file work, not for live streams, whose pictures should not wait. No effect if the system refuses.
void prefer_throughput() noexcept;

/// This thread, and threads that it starts later, run only when others are idle (SCHED_IDLE, sched(7)). Do not leave
/// work that others wait for to this thread alone: on a busy machine it makes little progress. No effect if the system
/// refuses.
void take_what_is_left() noexcept;

/// Gives up real-time priority for this thread, and for threads and programs that it starts later. If run by root,
/// SVT-AV1 takes real-time priority for its own threads and its caller. Then niceness has no effect, all other programs
/// starve, and threads of other encoders that wait for each other in a loop (libvpx) never end. No effect for other
/// users, who have no such right.
void forgo_real_time() noexcept;

} // namespace troupe::av
