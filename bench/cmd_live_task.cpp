// caf-bench live-task CONFIG PROFILE URL: the cluster's pipeline without the cluster. Demuxer, transcode and muxer run
// on one thread of one process; the transport stream goes to standard output.
#include "actors/live/live_plan.hpp"
#include "bench/command.hpp"
#include "config/load.hpp"
#include "encoder/source/demuxer.hpp"
#include "encoder/window/transcode.hpp"
#include "packaging/muxer.hpp"
#include "packaging/samples.hpp"

#include <atomic>
#include <cerrno>
#include <stdexcept>

#include <unistd.h>

namespace troupe::bench {

namespace {

template <class T>
T need(av::expected<T> result) {
  if (!result)
    throw std::runtime_error(result.error().what);
  if constexpr (!std::is_void_v<T>)
    return std::move(*result);
}

profile profile_of(const std::string& file, const std::string& name) {
  std::vector<std::string> flags{"--config=" + file};
  auto loaded = config::load(flags, {});
  if (!loaded || !loaded->config.profiles.contains(name))
    throw std::runtime_error("no profile " + name + " comes from " + file);
  return loaded->config.profiles.at(name);
}

/// Muxes as a session does: repeats the tables before each random-access point, and sends the output after each source
/// packet.
class stream_writer final : public av::transcode_sink {
public:
  void on_format(const std::vector<av::track>& tracks) override {
    for (auto& x : tracks)
      video_.push_back(x.parameters->codec_type == AVMEDIA_TYPE_VIDEO);
    mux_.emplace(need(av::muxer::open("mpegts", tracks, [this](std::span<const std::byte> bytes) {
      bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    })));
  }

  void on_packet(AVPacket& packet) override {
    if ((packet.flags & AV_PKT_FLAG_KEY) != 0 && video_[static_cast<size_t>(packet.stream_index)])
      need(mux_->begin_segment());
    need(mux_->write(packet));
  }

  /// False if the reader is gone.
  bool flush() {
    for (size_t done = 0; done < bytes_.size();) {
      auto n = ::write(STDOUT_FILENO, bytes_.data() + done, bytes_.size() - done);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return false;
      done += static_cast<size_t>(n);
    }
    bytes_.clear();
    return true;
  }

private:
  std::vector<bool> video_;
  std::optional<av::muxer> mux_;
  std::vector<std::byte> bytes_;
};

} // namespace

int run_live_task(const arguments& given) {
  if (given.size() != 3)
    throw std::invalid_argument("give CONFIG PROFILE URL");
  auto target = profile_of(given[0], given[1]);
  std::atomic<bool> stop = false;
  av::source_options options;
  options.url = given[2];
  auto source = need(av::demuxer::open(std::move(options), stop));
  stream_writer out;
  auto plan = need(to_plan(to_format(source.tracks()), target));
  auto work = need(av::transcode::open(source.tracks(), std::move(plan), {}, out));
  auto packet = av::make_packet();
  while (need(source.read(*packet))) {
    need(work.send(*packet));
    av_packet_unref(packet.get());
    if (!out.flush())
      return 0;
  }
  need(work.finish());
  (void)out.flush();
  return 0;
}

} // namespace troupe::bench
