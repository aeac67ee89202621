// Orders the lanes' packets: decoding order over all tracks, as far as this does not delay pictures.
//
// Sound is encoded at once, but pictures stay in their encoder for a second or two, and a muxer wants both together. So
// a packet of sound waits until the pictures have caught up; pictures never wait.
#pragma once

#include "encoder/track.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

namespace troupe::av {

class interleaver {
public:
  /// Receives the packets in their final order. May move the packet's reference away.
  using sink = std::function<void(AVPacket&)>;

  /// Sound stops waiting if it is `source_lead_max` (ticks) ahead of the source's pictures, because no pictures are
  /// coming, or if it has waited for `wait_max`.
  static constexpr int64_t source_lead_max = 90'000;
  static constexpr int64_t wait_max = 10 * 90'000;

  /// `is_video` has an entry for each output track.
  explicit interleaver(std::vector<bool> is_video, sink deliver);

  /// A source packet of an output track arrived, with this DTS or `no_pts`.
  void source_at(size_t output, int64_t dts);

  /// Takes a packet (its reference) of output track `stream_index`.
  void add(AVPacket& packet);

  /// All pictures of this track have come.
  void end(size_t output);

  /// Delivery starts: the formats of all tracks are known. No packet is delivered before this call.
  void start();

  /// Delivers everything.
  void flush();

  bool empty() const noexcept {
    return waiting_.empty() && held_.empty();
  }

  /// Bytes of packets that wait for `start`.
  size_t held_bytes() const noexcept {
    return held_bytes_;
  }

private:
  void release();
  void route(AVPacket& packet);
  bool is_due(const AVPacket& packet) const;

  struct lane_state {
    bool is_video = false;
    bool ended = false;
    int64_t source_dts = no_pts;
    int64_t delivered_dts = no_pts;
  };

  std::vector<lane_state> lanes_;
  sink deliver_;
  bool started_ = false;
  size_t held_bytes_ = 0;
  std::deque<packet_ptr> held_;    ///< before `start`
  std::deque<packet_ptr> waiting_; ///< sound, in the order it came
};

} // namespace troupe::av
