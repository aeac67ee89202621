// What is counted of clients that listen to events.
#pragma once

#include <atomic>
#include <cstdint>

namespace troupe::http {

struct event_statistics {
  std::atomic<uint64_t> clients{0}; ///< now
  std::atomic<uint64_t> skipped{0}; ///< progress that was replaced before it was sent
  std::atomic<uint64_t> dropped{0}; ///< clients that were too slow
};

} // namespace troupe::http
