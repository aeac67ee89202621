// Pictures in a transport stream by their timestamps, without a demuxer in between: the moment at which a picture's last
// byte passed is what delivery is judged by, and libavformat only tells it when the next picture begins.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

namespace troupe::bench {

/// Bytes of a transport packet.
inline constexpr size_t ts_packet_bytes = 188;

/// One PES packet: a picture, or some sound.
struct ts_unit {
  bool video = false;
  bool random_access = false;                  ///< as the adaptation field says
  int64_t pts = -1;                            ///< 33 bits of 1/90000 s; -1 where it has none
  int64_t dts = -1;                            ///< the same; equal to `pts` where only that is written
  uint64_t begin = 0;                          ///< place in the stream of its first transport packet, bytes
  uint64_t end = 0;                            ///< one past its last transport packet
  std::chrono::steady_clock::time_point first; ///< when the first of its packets was given
  std::chrono::steady_clock::time_point last;
};

/// Finds units in bytes that come in any portions. Bytes out of step are skipped up to the next sync byte.
class ts_scanner {
public:
  using sink = std::function<void(const ts_unit&)>;

  /// `out` gets a unit when the next one of its track begins, so the last of each track stays away until `finish`.
  explicit ts_scanner(sink out) : out_(std::move(out)) {}

  void take(std::span<const std::byte> bytes, std::chrono::steady_clock::time_point at);

  /// Hands over what is not followed by anything.
  void finish();

private:
  void packet(const uint8_t* x, std::chrono::steady_clock::time_point at);

  sink out_;
  std::vector<uint8_t> rest_;   ///< less than a packet
  uint64_t place_ = 0;          ///< in the stream, of the next packet
  std::map<int, ts_unit> open_; ///< by PID
};

} // namespace troupe::bench
