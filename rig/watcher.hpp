// The two halves of a viewer: one decodes and examines pictures, the other sound.
#pragma once

#include "encoder/av_ptr.hpp"
#include "rig/viewing.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace troupe::bench {

/// The common part of both halves: which stream to watch, its decoder, its decoding timestamps. The first stream of a
/// kind is watched; others are ignored.
class stream_decoder {
public:
  /// False for packets of a stream that is not watched. Opens the decoder with the first packet if `decode` is set.
  bool accept(const AVPacket& packet, const AVStream& stream, bool decode, observations& seen);

  /// Null until a packet was accepted with `decode`.
  AVCodecContext* context() const noexcept {
    return context_.get();
  }

  /// Sends `packet` (null flushes) and calls `use(AVFrame&)` for each frame that is ready; counts errors.
  template <class Use>
  void decode(const AVPacket* packet, observations& seen, Use use);

private:
  void check_dts(const AVPacket& packet, observations& seen);

  int index_ = -1;
  av::codec_context_ptr context_;
  av::frame_ptr frame_ = av::make_frame();
  int64_t last_dts_ = AV_NOPTS_VALUE;
};

class picture_watcher {
public:
  void take(const AVPacket& packet, const AVStream& stream, wall_clock::time_point arrived, bool decode,
            observations& seen);
  void finish(observations& seen);

private:
  void look(const AVFrame& frame, observations& seen);

  // Sample points per row and column. Those in the lower half, below the picture's code, are compared between pictures.
  static constexpr int points = 24;
  using probe = std::array<double, points * points / 2>;

  stream_decoder decoder_;
  AVRational time_base_{1, 90'000};
  std::map<int64_t, wall_clock::time_point> arrivals_; // by PTS, of packets still in the decoder
  probe before_{};
  bool has_before_ = false;
};

class sound_watcher {
public:
  void take(const AVPacket& packet, const AVStream& stream, bool decode, observations& seen);
  void finish(observations& seen);

private:
  void hear(const AVFrame& frame, observations& seen);
  bool prepare(const AVFrame& frame, observations& seen);
  void collect(observations& seen);

  stream_decoder decoder_;
  AVRational time_base_{1, 90'000};
  av::resampler_ptr resampler_;
  int format_ = -1;
  int rate_ = 0;
  int channels_ = 0;
  std::vector<std::vector<float>> samples_;
  std::unique_ptr<tone_reader> reader_;
  bool started_ = false;
  double next_seconds_ = 0;
};

} // namespace troupe::bench
