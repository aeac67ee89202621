// A bounded queue of packets that wait for another track, in the order of arrival. It refuses packets beyond its limit.
#pragma once

#include "encoder/av_ptr.hpp"

#include <cstddef>
#include <deque>
#include <utility>

namespace troupe::av {

class early_packets {
public:
  /// Takes the packet's reference. Returns false, and leaves the packet unchanged, if too much waits.
  bool push(AVPacket& packet) {
    if (packets_.size() >= packets_max || bytes_ >= bytes_max)
      return false;
    auto x = make_packet();
    av_packet_move_ref(x.get(), &packet);
    bytes_ += static_cast<size_t>(x->size);
    packets_.push_back(std::move(x));
    return true;
  }

  /// Moves the oldest packet into `packet`.
  void pop(AVPacket& packet) {
    bytes_ -= static_cast<size_t>(packets_.front()->size);
    av_packet_move_ref(&packet, packets_.front().get());
    packets_.pop_front();
  }

  const AVPacket* front() const noexcept {
    return packets_.empty() ? nullptr : packets_.front().get();
  }

  void clear() noexcept {
    packets_.clear();
    bytes_ = 0;
  }

private:
  static constexpr size_t packets_max = 4096;
  static constexpr size_t bytes_max = size_t{16} << 20;

  std::deque<packet_ptr> packets_;
  size_t bytes_ = 0;
};

} // namespace troupe::av
