// The latest blocks of a source, numbered, with an index of those that start at a random-access point.
//
// Consumers read by block number. The buffer keeps what a new consumer needs: everything from the latest random-access
// point on. It also keeps what the slowest consumer still needs (its floor), within limits on bytes and media time.
// Beyond the limits the oldest blocks are dropped even if they are needed, and that is counted. Time in which the
// source was away does not count: a picture from before it is still needed after it.
#pragma once

#include "core/live/config.hpp"
#include "messages/media.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::core {

class source_buffer {
public:
  using limits = source_buffer_limits;

  explicit source_buffer(limits max) : max_(max) {}

  /// Appends a block; returns its number.
  uint64_t append(sample_block block);

  /// The source is away, and all its tracks have nothing before `to` (ticks). Returns the number of the block that says
  /// so: a time of absence is a single block, which grows with each call.
  uint64_t fill(uint16_t leading, int64_t to);

  /// Drops blocks that are no longer needed: those before `floor` and before the latest random-access point.
  void release(uint64_t floor);

  /// The number of the oldest block in the buffer.
  uint64_t first() const noexcept {
    return first_;
  }

  /// One beyond the number of the newest block.
  uint64_t end() const noexcept {
    return first_ + entries_.size();
  }

  /// The block of that number; `first() <= number < end()`.
  const sample_block& at(uint64_t number) const;

  /// Where a new consumer starts: the latest random-access point.
  std::optional<uint64_t> join_point() const noexcept;

  /// The latest random-access point at or before `pts`, or the oldest one in the buffer.
  std::optional<uint64_t> join_point_before(int64_t pts) const noexcept;

  /// The first random-access point at or after that block.
  std::optional<uint64_t> join_point_from(uint64_t number) const noexcept;

  uint64_t bytes() const noexcept {
    return bytes_;
  }

  /// Media time from the oldest to the newest sample, without the times of absence.
  int64_t ticks() const noexcept;

  /// The largest DTS seen, or `no_timestamp`.
  int64_t newest_dts() const noexcept {
    return newest_dts_;
  }

  /// Blocks dropped at the limit although a consumer still needed them.
  uint64_t overruns() const noexcept {
    return overruns_;
  }

  /// The samples of all blocks dropped since the last call.
  std::vector<sample> take_gone() {
    return std::exchange(gone_, {});
  }

private:
  struct entry {
    sample_block block;
    int64_t dts; ///< without the times of absence before it
  };

  void drop_oldest();

  limits max_;
  std::deque<entry> entries_;
  std::deque<uint64_t> random_access_;
  uint64_t first_ = 0;
  uint64_t floor_ = 0;
  uint64_t bytes_ = 0;
  int64_t newest_dts_ = no_timestamp;
  int64_t absence_ = 0; ///< ticks, of all times of absence
  uint64_t overruns_ = 0;
  std::vector<sample> gone_;
};

} // namespace troupe::core
