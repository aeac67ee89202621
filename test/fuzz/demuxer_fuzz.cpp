// Media files with any content, read from memory: opening, and up to some thousand packets. For each packet, the
// demuxer's promises to its readers are checked. libav* itself is the distribution's, without instrumentation.
#include "encoder/source/demuxer.hpp"

#include "test/fuzz/memory_file.hpp"
#include "test/fuzz/packets.hpp"

extern "C" {
#include <libavutil/log.h>
}

using namespace troupe;
using fuzz::require;

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
  fuzz::read_packets(*source, packets_max);
  return 0;
}
