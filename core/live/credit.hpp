// Flow control of sample batches: a producer may have a limited number of bytes in flight.
//
// No layer below limits a sender: CAF's mailboxes and BASP's buffers accept any amount. A producer asks `open()` before
// each batch. The consumer acknowledges by sequence number when it has taken a batch out of its queue.
#pragma once

#include <cassert>
#include <cstdint>
#include <deque>
#include <limits>

namespace troupe::core {

/// The producer's side.
class credit_window {
public:
  explicit credit_window(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  /// True if another batch may be sent. A batch larger than the remaining credit is still sent: the limit can be
  /// exceeded by one batch.
  bool open() const noexcept {
    return in_flight_bytes_ < bytes_max_;
  }

  /// Counts a batch as sent and returns its sequence number: 1, 2, 3…
  uint64_t send(uint64_t bytes) {
    in_flight_.push_back(bytes);
    in_flight_bytes_ += bytes;
    return ++sent_;
  }

  /// The consumer has taken everything up to `sequence`. False for a number that was never sent; a number acknowledged
  /// before has no effect.
  bool acknowledge(uint64_t sequence) {
    if (sequence > sent_)
      return false;
    while (acknowledged_ < sequence) {
      assert(!in_flight_.empty() && in_flight_bytes_ >= in_flight_.front());
      in_flight_bytes_ -= in_flight_.front();
      in_flight_.pop_front();
      ++acknowledged_;
    }
    return true;
  }

  /// Lifts the limit: the stream is about to end, and other limits bound the remaining batches.
  void lift() noexcept {
    bytes_max_ = std::numeric_limits<uint64_t>::max();
  }

  uint64_t in_flight_bytes() const noexcept {
    return in_flight_bytes_;
  }

  /// True if batches are in flight, even without any bytes.
  bool pending() const noexcept {
    return acknowledged_ < sent_;
  }

  uint64_t sent() const noexcept {
    return sent_;
  }

  uint64_t acknowledged() const noexcept {
    return acknowledged_;
  }

private:
  uint64_t bytes_max_;
  std::deque<uint64_t> in_flight_;
  uint64_t in_flight_bytes_ = 0;
  uint64_t sent_ = 0;
  uint64_t acknowledged_ = 0;
};

} // namespace troupe::core
