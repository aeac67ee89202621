// Keeps the renditions of a ladder in step. Encoders hold pictures back for different times, and sound needs almost no
// time. But a player that switches asks the other rendition for the part that comes next in the one that it leaves.
//
// A block is handed on as late as the slowest rendition is by nature: by the least delay of its last seconds, not by a
// failover. A rendition that is later than that is not waited for. Pure: time comes in with the calls.
#pragma once

#include "messages/media.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace troupe::core {

class ladder_pace {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// A block of at least one sample has come.
  void add(const std::string& rendition, sample_block block, time_point now);

  struct due_block {
    std::string rendition;
    sample_block block;
  };

  /// The blocks whose time has come, in order for each rendition.
  std::vector<due_block> due(time_point now);

  /// All blocks of a rendition, which ends or changes. It is forgotten until its next block.
  std::vector<sample_block> take(const std::string& rendition);

private:
  struct arrival {
    time_point at;
    int64_t delay; ///< ticks between the timeline and the clock, with any zero
  };

  struct state {
    std::deque<sample_block> waiting;
    std::deque<arrival> arrivals; ///< of the last seconds; their delays rise
  };

  std::map<std::string, state> renditions_;
};

} // namespace troupe::core
