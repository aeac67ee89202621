// Finds pictures in a transport stream by their timestamps, without a demuxer. Delivery is judged by the moment when a
// picture's last byte passed, and libavformat only reports it when the next picture begins.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

namespace troupe::bench {

/// Size of a transport packet.
inline constexpr size_t ts_packet_bytes = 188;

/// One PES packet: a picture, or some sound.
struct ts_unit {
  bool video = false;
  bool random_access = false;                  ///< from the adaptation field
  int64_t pts = -1;                            ///< 33 bits of 1/90000 s; -1 if it has none
  int64_t dts = -1;                            ///< the same; equal to `pts` if only that is written
  uint64_t begin = 0;                          ///< offset in the stream of its first transport packet
  uint64_t end = 0;                            ///< end of its last transport packet
  std::chrono::steady_clock::time_point first; ///< when its first packet was passed in
  std::chrono::steady_clock::time_point last;
};

/// Finds units in bytes that come in portions of any size. Bytes out of step are skipped up to the next sync byte.
class ts_scanner {
public:
  using sink = std::function<void(const ts_unit&)>;

  /// `out` gets a unit when the next unit of its track begins, so each track's last unit comes only with `finish`.
  explicit ts_scanner(sink out) : out_(std::move(out)) {}

  void take(std::span<const std::byte> bytes, std::chrono::steady_clock::time_point at);

  /// Delivers the units that no other unit follows.
  void finish();

private:
  void packet(const uint8_t* x, std::chrono::steady_clock::time_point at);

  sink out_;
  std::vector<uint8_t> rest_;   ///< a partial packet
  uint64_t place_ = 0;          ///< offset in the stream of the next packet
  std::map<int, ts_unit> open_; ///< by PID
};

} // namespace troupe::bench
