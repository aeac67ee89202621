// Checks the demuxer's promises to its readers for each packet.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/source/demuxer.hpp"
#include "test/fuzz/fuzz.hpp"

#include <cstdint>
#include <vector>

namespace troupe::fuzz {

class packet_checks {
public:
  void check(const AVPacket& packet, const av::demuxer& source) {
    require(packet.stream_index >= 0, "a packet names its track");
    auto track = static_cast<size_t>(packet.stream_index);
    require(track < source.tracks().size(), "a packet's track exists");
    require(packet.pts != AV_NOPTS_VALUE && packet.dts != AV_NOPTS_VALUE, "a packet has both timestamps");
    require(packet.duration >= 0, "a duration is not negative");
    require(packet.size == 0 || packet.buf != nullptr, "data is reference-counted");
    last_dts_.resize(source.tracks().size(), AV_NOPTS_VALUE);
    require(last_dts_[track] == AV_NOPTS_VALUE || packet.dts > last_dts_[track], "DTS grows within a track");
    last_dts_[track] = packet.dts;
  }

private:
  std::vector<int64_t> last_dts_;
};

/// Reads up to `packets_max` packets, and checks each.
inline void read_packets(av::demuxer& source, int packets_max) {
  packet_checks checks;
  auto packet = av::make_packet();
  for (int i = 0; i < packets_max; ++i) {
    auto more = source.read(*packet);
    if (!more || !*more)
      break;
    checks.check(*packet, source);
    ::av_packet_unref(packet.get());
  }
}

} // namespace troupe::fuzz
