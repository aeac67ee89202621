// Media files with any content, read from memory: opening, and up to some thousand packets. What the demuxer promises
// its readers is checked for each packet. libav* itself is the distribution's, without instrumentation.
#include "encoder/demuxer.hpp"

#include "encoder/av_ptr.hpp"
#include "test/fuzz/memory_file.hpp"

#include <string>
#include <vector>

extern "C" {
#include <libavutil/log.h>
}

using namespace troupe;
using fuzz::require;

namespace {

struct track_state {
  int64_t dts = AV_NOPTS_VALUE;
};

void check_packet(const AVPacket& packet, const av::demuxer& source, std::vector<track_state>& states) {
  require(packet.stream_index >= 0, "a packet names its track");
  auto track = static_cast<size_t>(packet.stream_index);
  require(track < source.tracks().size(), "a packet's track exists");
  require(packet.pts != AV_NOPTS_VALUE && packet.dts != AV_NOPTS_VALUE, "a packet has both timestamps");
  require(packet.duration >= 0, "a duration is not negative");
  require(packet.size == 0 || packet.buf != nullptr, "data is reference-counted");
  states.resize(source.tracks().size());
  require(states[track].dts == AV_NOPTS_VALUE || packet.dts > states[track].dts, "DTS grows within a track");
  states[track].dts = packet.dts;
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int packets_max = 4096;
  static const std::atomic<bool> stop{false};
  ::av_log_set_level(AV_LOG_QUIET);
  fuzz::memory_file file{data, size};
  av::source_options options;
  options.url = file.path();
  options.open_timeout = std::chrono::milliseconds{2000};
  options.read_timeout = std::chrono::milliseconds{2000};
  auto source = av::demuxer::open(std::move(options), stop);
  if (!source) {
    require(!source.error().what.empty(), "a refusal says why");
    return 0;
  }
  std::vector<track_state> states;
  auto packet = av::make_packet();
  for (int i = 0; i < packets_max; ++i) {
    auto more = source->read(*packet);
    if (!more || !*more)
      break;
    check_packet(*packet, *source, states);
    ::av_packet_unref(packet.get());
  }
  return 0;
}
