// Pictures to packets with any of libav*'s video encoders.
#pragma once

#include "encoder/encoder_open.hpp"
#include "encoder/format.hpp"
#include "encoder/tick_map.hpp"

namespace troupe::av {

/// Legal calls: `encode` any number of times, `drain` once.
class video_encoder {
public:
  /// Opens the first encoder for `settings.encoder` that opens, for pictures like `source`. What the settings leave open is as in `source`, or the
  /// nearest that the encoder can do.
  static expected<video_encoder> open(const video_settings& settings, const video_format& source);

  /// What the encoder takes. Frames must have its size and pixel format.
  const video_format& format() const noexcept {
    return format_;
  }

  /// The output as a track.
  track output() const;

  /// Encodes a frame whose PTS, in ticks, is above that of the frame before. Changes the frame's properties, not its pixels. Packets have PTS, DTS
  /// (strictly monotone) and duration in ticks.
  expected<void> encode(AVFrame& frame, const on_encoded& deliver);

  expected<void> drain(const on_encoded& deliver);

private:
  video_encoder(codec_context_ptr context, buffer_ptr hardware, const video_format& format);

  expected<void> send(const AVFrame* frame, const on_encoded& deliver);
  expected<frame_ptr> upload(const AVFrame& frame);

  buffer_ptr hardware_; ///< frames context of encoders that take frames in device memory only
  codec_context_ptr context_;
  packet_ptr packet_;
  video_format format_;
  tick_map ticks_;
  int64_t frame_ticks_;
  int64_t last_dts_ = no_pts;
};

} // namespace troupe::av
