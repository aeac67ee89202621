// One try at a rendition: the task that has it, what it covers, and its progress.
//
// An attempt is fed with source blocks and answers with blocks of output. It is fenced by its number: once another
// attempt has taken over, all messages of this one are refused.
#pragma once

#include "core/live/feed.hpp"
#include "messages/cluster.hpp"
#include "messages/media.hpp"
#include "messages/work.hpp"

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::core {

/// Frames of a track that an attempt should make and cannot, because the source buffer does not reach that far back.
struct shortfall {
  uint64_t pictures = 0;
  uint64_t sound = 0; ///< coded frames
};

struct attempt {
  enum class phase : uint8_t { leasing, starting, running };

  attempt(attempt_id number, std::shared_ptr<feed> from, time_point now)
    : id(number), since(now), in(std::move(from)) {}

  attempt_id id;
  phase state = phase::leasing;
  time_point since; ///< start of the present phase
  lease worker;
  std::vector<window> spans; ///< per source track; empty for a fresh start
  std::shared_ptr<feed> in;  ///< the attempts of one task have it in common
  /// The first source block that it must not get. The others of its feed may get more.
  uint64_t until = std::numeric_limits<uint64_t>::max();
  std::optional<uint64_t> last_batch; ///< of its source; set when it was told that no more come
  uint64_t received = 0;              ///< batches of output received
  bool finishing = false;             ///< the attempt was told where its window ends
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
