// Encodes pictures into packets with any of libav*'s video encoders.
#pragma once

#include "encoder/codec/captions.hpp"
#include "encoder/codec/encoder_open.hpp"
#include "encoder/codec/key_grid.hpp"
#include "encoder/codec/tick_map.hpp"
#include "encoder/format.hpp"

#include <functional>
#include <optional>

namespace troupe::av {

/// Pictures in a device's memory, as a decoder there makes them.
struct device_pictures {
  AVBufferRef* device = nullptr; ///< borrowed; null: pictures are in main memory
  AVPixelFormat format = AV_PIX_FMT_NONE;
  AVPixelFormat layout = AV_PIX_FMT_NONE; ///< pixel layout: NV12, P010
};

/// Legal calls: `encode` any number of times, `drain` once.
class video_encoder {
public:
  /// Opens the first working encoder for `settings.encoder`, for pictures like `source`. Settings that are not given
  /// are as in `source`, or the nearest that the encoder supports. If possible it takes `pictures` directly from the
  /// device's memory; it always takes them from main memory. `errc::device` if the device or its driver refuses.
  static expected<video_encoder> open(const video_settings& settings, const video_format& source,
                                      const device_pictures& pictures = {});

  /// The input format. Frames must have its size and pixel format.
  const video_format& format() const noexcept {
    return format_;
  }

  /// The pixel format of device pictures that the encoder takes directly; none if it takes none.
  AVPixelFormat device_format() const noexcept {
    return device_format_;
  }

  /// The output as a track.
  track output() const;

  /// Encodes a frame. Its PTS, in ticks, must be above that of the frame before. Changes the frame's properties, not
  /// its pixels. Packets have PTS, DTS (strictly monotone) and duration in ticks.
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
  /// Ends the encoder's stream and begins another one, whose first picture is a random-access point.
  expected<void> begin_again(const on_encoded& deliver);

  std::shared_ptr<void> session_; ///< of a simulated device: ends after the encoder
  buffer_ptr hardware_;           ///< frames context of encoders that take frames from device memory
  AVPixelFormat device_format_ = AV_PIX_FMT_NONE;
  codec_context_ptr context_;
  packet_ptr packet_;
  video_format format_;
  tick_map ticks_;
  caption_keeper captions_;
  int64_t frame_ticks_;
  int64_t last_dts_ = no_pts;
  std::optional<key_grid> grid_;
  std::function<expected<codec_context_ptr>()> reopen_; ///< of encoders that force no random-access point themselves
  bool begun_ = false;                                  ///< it got its first picture
};

} // namespace troupe::av
