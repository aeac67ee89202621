// How the kernel is to share the processor among an encoder's threads.
#pragma once

namespace troupe::av {

/// Says that this thread, and those that it makes from now on, work for throughput: a thread that wakes up does not push aside one that runs (SCHED_BATCH,
/// sched(7)). An encoder's threads wake each other all the time; left alone until they wait, they keep their caches. For file work, not for live
/// streams, where a picture should not wait. Without effect where the system refuses.
void prefer_throughput() noexcept;

} // namespace troupe::av
