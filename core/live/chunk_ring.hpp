// What clients of one rendition read: the latest muxed chunks, and where in them a client can join.
//
// The writer appends; the ring forgets the oldest chunks beyond its limits. A client is a cursor: the number of the chunk that it
// reads next. A client that joins, or whose next chunk is gone or too old, is placed at the latest random-access point that
// the ring holds; a client never holds the writer or another client back.
#pragma once

#include "messages/media.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace troupe::core {

/// Muxed bytes that belong together, shared by all clients and never copied.
struct chunk {
  shared_bytes bytes;
  bool random_access = false; ///< a decoder can start with the first byte
  int64_t dts = no_timestamp; ///< ticks, of the first sample
};

class chunk_ring {
public:
  struct limits {
    uint64_t bytes_max = 32 * 1024 * 1024;
    int64_t ticks_max = 30 * ticks_per_second;
    int64_t lag_ticks_max = 15 * ticks_per_second; ///< a client further behind than this is moved ahead
  };

  /// The place of a client.
  struct cursor {
    std::optional<uint64_t> next; ///< unset until the client has joined
    uint64_t skips = 0;           ///< times that it was moved ahead
  };

  explicit chunk_ring(limits max) : max_(max) {}

  /// Appends; drops the oldest beyond the limits, but never the newest.
  void push(chunk x);

  /// Returns chunks from the client's place on, at most `bytes_max` bytes but at least one chunk where there is one, and moves the place. Empty
  /// when the client has everything, or none is a random-access point yet.
  std::vector<chunk> read(cursor& place, size_t bytes_max) const;

  /// True if `read` would return something.
  bool readable(const cursor& place) const noexcept;

  uint64_t bytes() const noexcept {
    return bytes_;
  }

  uint64_t bytes_total() const noexcept {
    return bytes_total_;
  }

  bool empty() const noexcept {
    return chunks_.empty();
  }

private:
  uint64_t end() const noexcept {
    return first_ + chunks_.size();
  }

  /// The number of the chunk that a client at `place` reads next, and whether it has to be moved there.
  std::optional<uint64_t> position(const cursor& place) const noexcept;

  limits max_;
  std::deque<chunk> chunks_;
  uint64_t first_ = 0; ///< number of the oldest chunk
  std::optional<uint64_t> latest_random_access_;
  uint64_t bytes_ = 0;
  uint64_t bytes_total_ = 0;
};

} // namespace troupe::core
