// Counters for clients that listen to events.
#pragma once

#include <atomic>
#include <cstdint>

namespace troupe::http {

struct event_statistics {
  std::atomic<uint64_t> clients{0}; ///< listening now
  std::atomic<uint64_t> skipped{0}; ///< progress events replaced before they were sent
  std::atomic<uint64_t> dropped{0}; ///< clients dropped because they were too slow
};

} // namespace troupe::http
