// Simulates everything around the relay: an ingest that always has the next block, a task that returns every block, and
// a session with the product's own decisions and messages but without clients.
#pragma once

#include "actors/cluster/link.hpp"
#include "core/live/session.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace troupe::bench {

/// Samples of the synthetic source: as large as a frame of a 25 fps, 3 Mbit/s channel, four to a block.
inline constexpr size_t relay_sample_bytes = 16 * 1024;
inline constexpr size_t relay_block_samples = 4;

/// What a source may send ahead of its acknowledgements.
inline constexpr uint64_t relay_credit_bytes = 4 * 1024 * 1024;

/// Blocks of each of `streams` streams that may be in transit. All streams together have enough blocks to keep the loop
/// full. With 50 streams, each has 20 samples in transit, which is most of a second of a live channel. A single stream
/// has no more than its source buffer holds.
constexpr uint64_t relay_blocks_on_the_way(size_t streams) {
  return std::min<uint64_t>(96, 256 / streams);
}

/// Payload that went through the coordinator, in bytes.
struct relay_counters {
  std::atomic<uint64_t> in{0};
  std::atomic<uint64_t> out{0};
  std::atomic<uint32_t> running{0}; ///< streams that completed at least one round trip
};

/// A task process's root actor: it takes ingest work (and then floods) or transcode work (and then echoes).
task_actor spawn_relay_task(caf::actor_system& system, coordinator_actor coordinator);

/// Pairs joined tasks once there are enough for `streams`: tasks of host 1 are ingests, those of host 2 transcoders.
coordinator_actor spawn_relay_coordinator(caf::actor_system& system, size_t streams,
                                          std::shared_ptr<relay_counters> counters);

} // namespace troupe::bench
