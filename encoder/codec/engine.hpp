// ENGINE: makes the decoders and encoders of a window's pictures.
//
// The product's engine is libav*. Another one (GStreamer, a vendor's SDK) implements these three classes and nothing
// else. What a window promises does not depend on the engine: cutting, the timeline, filters, and the change from a
// device that fails to software stay with the lanes (encoder/window) and `device_decoder`. Sound always uses libav*:
// the joints of its windows depend on what its encoders do inside.
#pragma once

#include "encoder/codec/encoder_open.hpp"
#include "encoder/error.hpp"
#include "encoder/format.hpp"
#include "encoder/track.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace troupe::av {

/// Decodes one track. Legal calls: `decode` any number of times, with `drain` in between wherever the stream is cut:
/// after it the decoder starts fresh.
class picture_decoder {
public:
  /// Receives each frame, in presentation order, with its PTS in `time_base` or `no_pts`. May move the frame's
  /// references away. An error ends the call and is returned.
  using on_frame = std::function<expected<void>(AVFrame&)>;

  virtual ~picture_decoder() = default;

  /// Decodes one packet. A frame whose packet has `AV_PKT_FLAG_DISCARD` is not delivered. A packet that the decoder
  /// refuses is counted and skipped; running out of memory is an error.
  virtual expected<void> decode(const AVPacket& packet, const on_frame& deliver) = 0;

  /// Delivers the frames that the decoder still holds, and drops its references.
  virtual expected<void> drain(const on_frame& deliver) = 0;

  /// Refused packets, and frames that were decoded with errors. On a device, also the frames that the device left to
  /// software. Each is counted before its frame is delivered.
  virtual uint64_t corrupt() const noexcept = 0;
};

struct decoder_options {
  int threads = 0;        ///< 0: one per core
  bool low_delay = false; ///< slice threads only: a frame leaves as soon as it is decoded
  bool strict = false;    ///< damaged data is refused, not concealed
  bool unseen = false;    ///< the pixels are not used: everything is parsed, but not everything is reconstructed
  std::string device{};   ///< decodes on this device, and leaves the pictures there; see encoder/codec/hw_device.hpp
};

/// Encodes pictures. Legal calls: `encode` any number of times, `drain` once.
class picture_encoder {
public:
  virtual ~picture_encoder() = default;

  /// The input format. Frames must have its size and pixel format.
  virtual const video_format& format() const noexcept = 0;

  /// The pixel format of device pictures that the encoder takes directly; none if it takes none.
  virtual AVPixelFormat device_format() const noexcept = 0;

  /// The output as a track.
  virtual track output() const = 0;

  /// Encodes a frame. Its PTS, in ticks, must be above that of the frame before. Changes the frame's properties, not
  /// its pixels. A live encode makes it a random-access point if it has `AV_PICTURE_TYPE_I`. Packets have PTS, DTS
  /// (strictly monotone) and duration in ticks.
  virtual expected<void> encode(AVFrame& frame, const on_encoded& deliver) = 0;

  virtual expected<void> drain(const on_encoded& deliver) = 0;
};

/// Pictures in a device's memory, as a decoder there makes them.
struct device_pictures {
  AVBufferRef* device = nullptr; ///< borrowed; null: pictures are in main memory
  AVPixelFormat format = AV_PIX_FMT_NONE;
  AVPixelFormat layout = AV_PIX_FMT_NONE; ///< pixel layout: NV12, P010
};

/// Several threads may use an engine at a time. It outlives the windows that it serves.
class engine {
public:
  virtual ~engine() = default;

  /// `errc::device` if the device does not open, or does not decode this codec. Whether it can decode these pictures
  /// may show only with the first of them; see `picture_decoder::corrupt`.
  virtual expected<std::unique_ptr<picture_decoder>> open_decoder(const track& source,
                                                                  const decoder_options& options) const = 0;

  /// Opens the first working encoder for `settings.encoder`, for pictures like `source`. Settings that are not given
  /// are as in `source`, or the nearest that the encoder supports. If possible it takes `pictures` directly from the
  /// device's memory; it always takes them from main memory. `errc::device` if the device or its driver refuses,
  /// `errc::option` if the settings are wrong.
  virtual expected<std::unique_ptr<picture_encoder>>
  open_encoder(const video_settings& settings, const video_format& source, const device_pictures& pictures) const = 0;
};

/// libav*'s decoders and encoders, in software and on devices.
const engine& libav_engine();

} // namespace troupe::av
