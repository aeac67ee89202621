// Encodes sound into packets with any of libav*'s audio encoders.
#pragma once

#include "encoder/codec/encoder_open.hpp"
#include "encoder/format.hpp"

namespace troupe::av {

/// Legal calls: `encode` any number of times, `drain` once; after that, `reopened` gives another encoder like this one.
class audio_encoder {
public:
  /// Opens the first working encoder for `settings.encoder`, for sound like `source`. Settings that are not given are
  /// as in `source`, or the nearest that the encoder supports.
  static expected<audio_encoder> open(const audio_settings& settings, const audio_format& source);

  /// A new encoder with the same settings and formats.
  expected<audio_encoder> reopened() const;

  /// The input format.
  const audio_format& format() const noexcept {
    return format_;
  }

  /// Samples per frame: the size of every frame except the last.
  int frame_size() const noexcept {
    return frame_size_;
  }

  /// The encoder's delay in samples: a packet's PTS is this much before the PTS of its frame.
  int padding() const noexcept;

  /// The PTS in ticks of packet `k`, the first packet with samples of frame `k`.
  int64_t packet_pts(int64_t k) const noexcept;

  /// The output as a track.
  track output() const;

  /// Encodes a frame whose PTS is in samples. Packets have PTS, DTS and duration in ticks.
  expected<void> encode(const AVFrame& frame, const on_encoded& deliver);

  expected<void> drain(const on_encoded& deliver);

private:
  audio_encoder(codec_context_ptr context, const audio_settings& settings, const audio_format& format);

  static expected<audio_encoder> open(const AVCodec& codec, const audio_settings& settings, const audio_format& format);

  expected<void> send(const AVFrame* frame, const on_encoded& deliver);
  int64_t ticks(int64_t samples) const noexcept;

  codec_context_ptr context_;
  packet_ptr packet_;
  audio_settings settings_;
  audio_format format_;
  int frame_size_;
};

} // namespace troupe::av
