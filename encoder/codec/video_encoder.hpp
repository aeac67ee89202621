// Encodes pictures into packets with any of libav*'s video encoders.
#pragma once

#include "encoder/codec/captions.hpp"
#include "encoder/codec/engine.hpp"
#include "encoder/codec/key_grid.hpp"
#include "encoder/codec/tick_map.hpp"

#include <functional>
#include <optional>

namespace troupe::av {

class video_encoder : public picture_encoder {
public:
  /// As `engine::open_encoder`.
  static expected<video_encoder> open(const video_settings& settings, const video_format& source,
                                      const device_pictures& pictures = {});

  video_encoder(video_encoder&&) noexcept = default;
  video_encoder& operator=(video_encoder&&) noexcept = default;
  ~video_encoder() override;

  const video_format& format() const noexcept override {
    return format_;
  }

  AVPixelFormat device_format() const noexcept override {
    return device_format_;
  }

  track output() const override;

  expected<void> encode(AVFrame& frame, const on_encoded& deliver) override;

  expected<void> drain(const on_encoded& deliver) override;

private:
  video_encoder(codec_context_ptr context, buffer_ptr hardware, const video_format& format);

  static expected<video_encoder> open_codec(const AVCodec& codec, const video_settings& settings,
                                            const video_format& source, const device_pictures& pictures);

  expected<void> send(const AVFrame* frame, const on_encoded& deliver);
  expected<frame_ptr> upload(const AVFrame& frame);
  /// Ends the encoder's stream and begins another one, whose first picture is a random-access point.
  expected<void> begin_again(const on_encoded& deliver);

  buffer_ptr hardware_; ///< frames context of encoders that take frames from device memory
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
