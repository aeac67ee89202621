// One try at a rendition: the task that has it, what it covers, and its progress.
//
// An attempt gets source blocks under credit and answers with blocks of output. It is fenced by its number: once
// another attempt has taken over, all messages of this one are refused.
#pragma once

#include "core/live/credit.hpp"
#include "core/watchdog.hpp"
#include "messages/cluster.hpp"
#include "messages/media.hpp"
#include "messages/work.hpp"

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <vector>

namespace troupe::core {

/// Frames of a track that an attempt should make and cannot, because the source buffer does not reach that far back.
struct shortfall {
  uint64_t pictures = 0;
  uint64_t sound = 0; ///< coded frames
};

struct attempt {
  enum class phase : uint8_t { leasing, starting, running };

  attempt(attempt_id number, uint64_t credit_bytes, watchdog_limits limits, time_point now)
    : id(number), since(now), credit(credit_bytes), watch(limits) {}

  attempt_id id;
  phase state = phase::leasing;
  time_point since; ///< start of the present phase
  lease worker;
  std::vector<window> spans;                                  ///< per source track; empty for a fresh start
  std::optional<uint64_t> cursor;                             ///< number of the next source block to send
  uint64_t began = 0;                                         ///< number of the first source block that was sent
  sample began_at;                                            ///< the first sample of that block
  uint64_t feed_until = std::numeric_limits<uint64_t>::max(); ///< the first source block that this attempt must not get
  std::deque<uint64_t> unanswered; ///< numbers of the source blocks that were sent and not acknowledged
  bool announce = true;            ///< before its next block, it must be told of splices that are to come
  credit_window credit;
  watchdog watch;
  uint64_t received = 0;  ///< batches of output received
  bool finishing = false; ///< the attempt was told where its window ends
  bool fed = false;       ///< the attempt was told that no more blocks come
  stream_format output;
  std::deque<sample_block> held; ///< output that is incomplete or not yet due: see `variant`
  uint64_t held_bytes = 0;
  std::vector<shortfall> missing; ///< per output track, until the attempt has delivered part of that track
  bool delivered = false;

  bool running() const noexcept {
    return state == phase::running;
  }

  /// True if `held` ends with a closed group of pictures, which needs nothing after it.
  bool closed() const noexcept {
    return !held.empty() && (held.back().samples.back().flags & sample::closed) != 0;
  }
};

} // namespace troupe::core
