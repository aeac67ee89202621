// How much memory a task may have where nobody says otherwise: enough for any work of its kind, and no more than a machine with other work can bear.
//
// What reads sources and writes files has a fixed limit. What decodes and encodes is estimated from its pictures: a decoder holds a few dozen of them, an encoder as many
// as it looks ahead and refers to, each with what it knows of it.
#pragma once

#include "messages/cluster.hpp"
#include "messages/limits.hpp"

#include <cstdint>
#include <string>

namespace troupe::core {

struct memory_rules {
  uint64_t bytes = 0;          ///< of a task that reads, probes or assembles; 0 is no limit
  uint32_t encode_percent = 0; ///< of the estimate for a task that encodes; 0 is no limit
};

/// Sizes in pixels; 0 where unknown, or nothing of that is done.
struct picture_work {
  int64_t decoded = 0;
  int64_t encoded = 0;
  std::string codec; ///< codec or encoder
};

/// Pixels of the output where a profile asks for `width` x `height`, of which 0 follows the source's.
int64_t pixels_of(int32_t width, int32_t height, int32_t source_width, int32_t source_height);

/// For a task of that kind. 0 is no limit.
uint64_t memory_limit(const memory_rules& rules, work_kind kind, const picture_work& x);

/// The key by which a task of that kind gets more.
std::string memory_key(work_kind kind, bool ordered);

} // namespace troupe::core
