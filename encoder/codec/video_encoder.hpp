// Pictures to packets with any of libav*'s video encoders.
#pragma once

#include "encoder/codec/captions.hpp"
#include "encoder/codec/encoder_open.hpp"
#include "encoder/codec/tick_map.hpp"
#include "encoder/format.hpp"

namespace troupe::av {

/// Pictures that lie in a device's memory, as a decoder there makes them.
struct device_pictures {
  AVBufferRef* device = nullptr; ///< borrowed; null: pictures come in main memory
  AVPixelFormat format = AV_PIX_FMT_NONE;
  AVPixelFormat layout = AV_PIX_FMT_NONE; ///< of their pixels: NV12, P010
};

/// Legal calls: `encode` any number of times, `drain` once.
class video_encoder {
public:
  /// Opens the first encoder for `settings.encoder` that opens, for pictures like `source`. What the settings leave open is as in `source`, or the
  /// nearest that the encoder can do. One that can takes `pictures` as they are, from the device's memory; from main memory it takes them in any case.
  /// `errc::device` where the device or its driver refuses.
  static expected<video_encoder> open(const video_settings& settings, const video_format& source,
                                      const device_pictures& pictures = {});

  /// What the encoder takes. Frames must have its size and pixel format.
  const video_format& format() const noexcept {
    return format_;
  }

  /// The format of pictures in a device's memory that it takes as they are; none where it takes none.
  AVPixelFormat device_format() const noexcept {
    return device_format_;
  }

  /// The output as a track.
  track output() const;

  /// Encodes a frame whose PTS, in ticks, is above that of the frame before. Changes the frame's properties, not its pixels. Packets have PTS, DTS
  /// (strictly monotone) and duration in ticks.
  expected<void> encode(AVFrame& frame, const on_encoded& deliver);

  expected<void> drain(const on_encoded& deliver);

private:
  video_encoder(codec_context_ptr context, buffer_ptr hardware, const video_format& format);

  static expected<video_encoder> open_codec(const AVCodec& codec, const video_settings& settings,
                                            const video_format& source, const device_pictures& pictures);
  static expected<video_encoder> open_behind_stand_in(const AVCodec& codec, const video_settings& settings,
                                                      const video_format& source);

  expected<void> send(const AVFrame* frame, const on_encoded& deliver);
  expected<frame_ptr> upload(const AVFrame& frame);

  std::shared_ptr<void> session_; ///< of a stand-in's device: ends after the encoder
  buffer_ptr hardware_;           ///< frames context of encoders that take frames from a device's memory
  AVPixelFormat device_format_ = AV_PIX_FMT_NONE;
  codec_context_ptr context_;
  packet_ptr packet_;
  video_format format_;
  tick_map ticks_;
  caption_keeper captions_;
  int64_t frame_ticks_;
  int64_t last_dts_ = no_pts;
};

} // namespace troupe::av
