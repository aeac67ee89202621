// caf-bench encode-task INPUT ENCODER PRESET: our side of the encode benchmark: demuxer, transcode, and a sink that
// counts.
#include "bench/command.hpp"
#include "encoder/source/demuxer.hpp"
#include "encoder/window/scheduling.hpp"
#include "encoder/window/transcode.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace troupe::bench {

namespace {

class counting_sink final : public av::transcode_sink {
public:
  void on_format(const std::vector<av::track>&) override {}

  void on_packet(AVPacket& packet) override {
    ++frames;
    bytes += static_cast<uint64_t>(packet.size);
  }

  uint64_t frames = 0;
  uint64_t bytes = 0;
};

template <class T>
T need(av::expected<T> result) {
  if (!result)
    throw std::runtime_error(result.error().what);
  if constexpr (!std::is_void_v<T>)
    return std::move(*result);
}

/// Encodes the first video track and drops everything else.
std::vector<av::track_plan> plan_for(const std::vector<av::track>& tracks, const std::string& encoder,
                                     const std::string& preset) {
  std::vector<av::track_plan> result;
  bool found = false;
  for (auto& track : tracks) {
    if (found || track.parameters->codec_type != AVMEDIA_TYPE_VIDEO) {
      result.emplace_back(av::drop_track{});
      continue;
    }
    av::video_settings settings;
    settings.encoder = encoder;
    settings.preset = preset;
    result.emplace_back(settings);
    found = true;
  }
  if (!found)
    throw std::runtime_error("the input has no picture");
  return result;
}

} // namespace

int run_encode_task(const arguments& given) {
  if (given.size() != 3)
    throw std::invalid_argument("give INPUT ENCODER PRESET");
  av::prefer_throughput();
  std::atomic<bool> stop = false;
  av::source_options options;
  options.url = given[0];
  auto source = need(av::demuxer::open(std::move(options), stop));
  counting_sink sink;
  auto work = need(av::transcode::open(source.tracks(), plan_for(source.tracks(), given[1], given[2]), {}, sink));
  auto packet = av::make_packet();
  while (need(source.read(*packet))) {
    need(work.send(*packet));
    av_packet_unref(packet.get());
  }
  need(work.finish());
  std::printf("frames=%llu bytes=%llu\n", static_cast<unsigned long long>(sink.frames),
              static_cast<unsigned long long>(sink.bytes));
  std::fflush(stdout);
  // Exits at once, like a task that has delivered: the kernel frees hundreds of threads and buffers faster than their
  // owners do.
  std::_Exit(0);
}

} // namespace troupe::bench
