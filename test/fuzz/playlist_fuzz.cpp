// HLS playlists with any content. They may name the files beside them, one of which is another playlist, and
// themselves. Reading ends within its limits, whatever they name.
#include "encoder/source/demuxer.hpp"

#include "test/fuzz/packets.hpp"
#include "test/support/temporary_folder.hpp"

extern "C" {
#include <libavutil/log.h>
}

#include <filesystem>
#include <fstream>
#include <string>

using namespace troupe;
using fuzz::require;

namespace {

/// A folder with segments that playlists may name: "a.ts", "b.ts" and "tone.wav" are media, "text.ts" is none,
/// "other.m3u8" names "a.ts" for ever.
class folder {
public:
  folder() {
    // The seeds of the demuxer's target, wherever the program runs.
    const std::string seeds = TROUPE_FUZZ_CORPUS "/demuxer/";
    std::filesystem::copy_file(seeds + "h264_mp2.ts", path_ + "/a.ts");
    std::filesystem::copy_file(seeds + "mpeg2.ts", path_ + "/b.ts");
    std::filesystem::copy_file(seeds + "tone.wav", path_ + "/tone.wav");
    std::ofstream{path_ + "/text.ts"} << "no media";
    std::ofstream{path_ + "/other.m3u8"} << "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n";
  }

  std::string write(const uint8_t* data, size_t size) const {
    auto result = path_ + "/index.m3u8";
    std::ofstream file{result, std::ios::binary};
    file << "#EXTM3U\n" << fuzz::text_of(data, size);
    return result;
  }

private:
  test::temporary_folder own_;
  const std::string path_ = own_.path();
};

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int packets_max = 512;
  static const std::atomic<bool> stop{false};
  static const folder files;
  ::av_log_set_level(AV_LOG_QUIET);
  av::source_options options;
  options.url = files.write(data, size);
  options.open_timeout = std::chrono::milliseconds{1000};
  options.read_timeout = std::chrono::milliseconds{100};
  auto source = av::demuxer::open(std::move(options), stop);
  if (!source) {
    require(!source.error().what.empty(), "a refusal says why");
    return 0;
  }
  fuzz::read_packets(*source, packets_max);
  source->is_over();
  return 0;
}
