// What the clients of one rendition read: the latest muxed chunks, and the points at which a client can join.
//
// The writer appends; the ring drops the oldest chunks beyond its limits. A client is a cursor: the number of the chunk
// that it reads next. A client is placed at the latest random-access point in the ring if it joins, or if its next
// chunk is gone or too old. A client never delays the writer or another client.
#pragma once

#include "core/live/config.hpp"
#include "messages/media.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace troupe::core {

/// Muxed bytes that belong together; shared by all clients and never copied.
struct chunk {
  shared_bytes bytes;
  bool random_access = false; ///< a decoder can start at the first byte
  int64_t dts = no_timestamp; ///< ticks, of the first sample
};

class client_ring {
public:
  using limits = client_ring_limits;

  /// A client's place in the ring.
  struct cursor {
    std::optional<uint64_t> next; ///< unset until the client has joined
    uint64_t skips = 0;           ///< how often the client was moved ahead
  };

  explicit client_ring(limits max) : max_(max) {}

  /// Appends a chunk. Drops the oldest beyond the limits, but never the newest.
  void push(chunk x);

  /// Returns chunks from the client's place on, and moves the place. They have at most `bytes_max` bytes, but at least
  /// one chunk is returned if there is one. Empty if the client has everything, or if no chunk is a random-access point
  /// yet.
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

  /// The number of the chunk that a client at `place` reads next, and whether it must be moved there.
  std::optional<uint64_t> position(const cursor& place) const noexcept;

  limits max_;
  std::deque<chunk> chunks_;
  uint64_t first_ = 0; ///< number of the oldest chunk
  std::optional<uint64_t> latest_random_access_;
  uint64_t bytes_ = 0;
  uint64_t bytes_total_ = 0;
};

} // namespace troupe::core
