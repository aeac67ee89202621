// Adds what libavformat's muxer lacks for transport streams. Continuity counters and clock continue when tracks change.
// The clock never stands still for longer than `clock_step`, however slow its track is.
//
// The clock (PCR) belongs to one track, whose packets carry it. It is `delay` behind that track's decoding times. If
// these packets are far apart, packets without payload carry the clock in between, and it then advances with the times
// of the other tracks. ISO/IEC 13818-1: 2.4.3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace troupe::av {

/// True if the first transport packet is a PAT: a receiver can join here.
bool begins_with_tables(std::span<const std::byte> packets);

class transport_packets {
public:
  static constexpr size_t packet_bytes = 188;

  /// The most ticks between two values of the clock: 13818-1 and DVB allow 100 ms.
  static constexpr int64_t clock_step = 8100;

  /// `delay` in ticks.
  explicit transport_packets(int64_t delay) : delay_(delay) {}

  /// The clock moves to this PID, whose packets come next. The following output begins with PAT and PMT.
  void set_clock(int pid);

  /// A packet with this DTS (ticks) is muxed next. Returns the packets to send before it, which carry only the clock.
  std::vector<std::array<std::byte, packet_bytes>> before(bool of_clock_track, int64_t dts, int64_t duration);

  /// The packets to send if nothing came for this many ticks because the clock's track is slow. They carry only the
  /// clock.
  std::vector<std::array<std::byte, packet_bytes>> idle(int64_t passed);

  /// Sets counters and clock, in place, in the transport packets of the packet that is being muxed. PAT and PMT come
  /// before other tables.
  void finish(std::span<std::byte> packets);

private:
  std::array<std::byte, packet_bytes> clock_packet(int64_t value);
  void catch_up(int64_t value, std::vector<std::array<std::byte, packet_bytes>>& to);
  int64_t target(bool of_clock_track, int64_t dts, int64_t duration);

  int64_t delay_;
  int clock_pid_ = -1;
  bool announced_ = false;        ///< the PMT with the clock's PID was written
  std::map<int, uint8_t> counts_; ///< by PID: counter of its last packet with payload
  std::optional<int64_t> clock_;  ///< the last value of the clock that was written, ticks
  int64_t due_ = 0;               ///< the clock's value at the packet that is being muxed
  // the decoding times from which the clock is derived
  std::optional<int64_t> own_;    ///< newest DTS of the clock's track
  int64_t duration_ = 0;          ///< of a packet of that track
  std::optional<int64_t> others_; ///< newest DTS of the other tracks
  int64_t others_then_ = 0;       ///< `others_` at the time of `own_`
};

} // namespace troupe::av
