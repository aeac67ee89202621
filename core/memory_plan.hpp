// How much memory a task may have by default: enough for any work of its kind, and no more than a machine with other
// work can bear.
//
// Tasks that read sources and write files have a fixed limit. For tasks that decode and encode, the limit is estimated
// from their pictures. A decoder holds a few dozen pictures. An encoder holds as many as it looks ahead and refers to,
// each with its analysis data.
#pragma once

#include "messages/cluster.hpp"
#include "messages/limits.hpp"

#include <cstdint>
#include <string>

namespace troupe::core {

struct memory_rules {
  uint64_t bytes = 0;          ///< for a task that reads, probes or assembles; 0 is no limit
  uint32_t encode_percent = 0; ///< percent of the estimate for a task that encodes; 0 is no limit

  bool operator==(const memory_rules&) const = default;
};

/// Sizes in pixels; 0 if unknown, or if that step is not done.
struct picture_work {
  int64_t decoded = 0;
  int64_t encoded = 0;
  std::string codec; ///< codec or encoder
};

/// Pixels of the output if a profile asks for `width` x `height`; 0 follows the source's.
int64_t pixels_of(int32_t width, int32_t height, int32_t source_width, int32_t source_height);

/// The limit of a task of this kind. 0 is no limit.
uint64_t memory_limit(const memory_rules& rules, work_kind kind, const picture_work& x);

/// The configuration key or order field that raises the limit of a task of this kind.
std::string memory_key(work_kind kind, bool ordered);

} // namespace troupe::core
