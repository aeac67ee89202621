// From a source's sound to the encoder's: each sample is put at its place on the timeline, converted, and cut into the
// encoder's frames.
//
// Places are absolute. The index of an input sample is its time at the source's rate, counted from timeline zero. The
// index of an output sample is its time at the encoder's rate. Output frame k covers [k * frame_size, (k + 1) *
// frame_size). A resampler starts at an input index that is also a whole output index. So the grid does not depend on
// where decoding began.
#pragma once

#include "encoder/error.hpp"
#include "encoder/format.hpp"

extern "C" {
#include <libavutil/audio_fifo.h>
}

#include <cstdint>
#include <memory>
#include <optional>

namespace troupe::av {

struct audio_fifo_deleter {
  void operator()(AVAudioFifo* ptr) const noexcept {
    av_audio_fifo_free(ptr);
  }
};

using audio_fifo_ptr = std::unique_ptr<AVAudioFifo, audio_fifo_deleter>;

/// Receives the output of an audio filter, in order.
class audio_filter_sink {
public:
  virtual ~audio_filter_sink() = default;

  /// Frame number `k`, with its PTS set in samples. Only the last frame before a break or the end may be short.
  virtual expected<void> on_sound(int64_t k, AVFrame& frame) = 0;

  /// The timeline jumps: the next frame number does not follow the last one.
  virtual expected<void> on_break() = 0;
};

class audio_filter {
public:
  struct counters {
    uint64_t filled_samples = 0;  ///< silence put into gaps
    uint64_t trimmed_samples = 0; ///< cut from overlaps
  };

  /// A timestamp this close to the end of the samples before it is taken as that end: the difference is rounding.
  static constexpr int64_t tolerance_ms = 3;

  /// A gap up to this length is filled with silence; a longer gap stays a gap. A window also needs this much sound
  /// before its start, to fill the same gaps as the window before it.
  static constexpr int64_t gap_max_ms = 500;

  /// The same after an absence of the source, whose tracks return one after the other.
  static constexpr int64_t return_max_ms = 10'000;

  /// `frame_size` in samples of `output`.
  audio_filter(const audio_format& output, int frame_size, audio_filter_sink& sink);

  /// Takes a decoded frame with its PTS in ticks, or `no_pts` if it directly follows the last frame.
  expected<void> send(const AVFrame& frame);

  /// The source is away and has nothing before `to_pts` (ticks): puts silence there, up to a sample, but none before
  /// frame `first`. The sound after it continues without a break, even if it comes a little later.
  expected<void> fill(int64_t to_pts, int64_t first);

  /// Delivers the remaining samples; the last frame may be short.
  expected<void> drain();

  const counters& count() const noexcept {
    return counters_;
  }

private:
  struct input {
    int format = -1;
    int sample_rate = 0;
    AVChannelLayout layout{};
  };

  bool is_same_input(const AVFrame& frame) const noexcept;
  expected<void> begin_segment(const AVFrame& frame, int64_t index);
  expected<void> end_segment();
  expected<void> convert(const uint8_t** data, int samples);
  expected<void> place(int64_t index, int samples);
  expected<void> append(uint8_t** data, int samples);
  expected<void> append_silence(int64_t samples);
  expected<void> cut(bool all);
  void reserve(frame_ptr& frame, int samples);

  audio_format output_;
  int frame_size_;
  audio_filter_sink& sink_;
  counters counters_;

  // the current segment: contiguous input of one format
  std::optional<input> input_;
  resampler_ptr resampler_;
  int64_t next_in_ = 0;  ///< index of the next expected input sample
  int64_t next_out_ = 0; ///< index of the next output sample of the resampler
  int64_t lead_end_ = 0; ///< output before this index is the silence that aligned the start of the segment

  // samples that are placed but not cut yet
  audio_fifo_ptr fifo_;
  bool returns_ = false;       ///< the next sound is the first after an absence of the source
  std::optional<int64_t> end_; ///< index after the last output sample placed
  frame_ptr converted_ = make_frame();
  frame_ptr silence_ = make_frame();
};

} // namespace troupe::av
