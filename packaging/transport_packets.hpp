// What a transport stream needs beyond libavformat's muxer: continuity counters and a clock that go on over a change of its tracks, and a
// clock that never stands still for longer than `clock_step`, however slow its track is.
//
// The clock (PCR) belongs to one track, whose packets carry it. It is `delay` behind that track's decoding times. Where they are far apart,
// packets without payload carry it in between, as far as the other tracks show that time has passed. ISO/IEC 13818-1: 2.4.3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace troupe::av {

class transport_packets {
public:
  static constexpr size_t packet_bytes = 188;

  /// Ticks between two values of the clock, at most: 13818-1 and DVB allow 100 ms.
  static constexpr int64_t clock_step = 8100;

  /// `delay` in ticks.
  explicit transport_packets(int64_t delay) : delay_(delay) {}

  /// The clock is on this PID, of a track whose packets come next. What follows begins with PAT and PMT.
  void set_clock(int pid);

  /// A packet with this DTS (ticks) is muxed next. Returns what goes before it: packets that carry the clock alone.
  std::vector<std::array<std::byte, packet_bytes>> before(bool of_clock_track, int64_t dts, int64_t duration);

  /// What goes out when nothing has come for so many ticks, since that is how slow the clock's track is: packets that carry the clock alone.
  std::vector<std::array<std::byte, packet_bytes>> idle(int64_t passed);

  /// Sets counters and clock of whole transport packets of the packet that is being muxed, in place.
  void finish(std::span<std::byte> packets);

private:
  std::array<std::byte, packet_bytes> clock_packet(int64_t value);
  void catch_up(int64_t value, std::vector<std::array<std::byte, packet_bytes>>& to);
  int64_t target(bool of_clock_track, int64_t dts, int64_t duration);

  int64_t delay_;
  int clock_pid_ = -1;
  bool announced_ = false;        ///< the PMT that names the clock's PID was written
  std::map<int, uint8_t> counts_; ///< by PID: of its last packet with payload
  std::optional<int64_t> clock_;  ///< its last value that was written, ticks
  int64_t due_ = 0;               ///< what the clock shows at the packet that is being muxed
  // the decoding times that it is made from
  std::optional<int64_t> own_;    ///< newest of the clock's track
  int64_t duration_ = 0;          ///< of a packet of that track
  std::optional<int64_t> others_; ///< newest of the other tracks
  int64_t others_then_ = 0;       ///< that when `own_` came
};

} // namespace troupe::av
