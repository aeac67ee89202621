// A decoder that uses a device as long as it works, and then continues in software. No frame is lost or delivered
// twice.
//
// The packets since the random-access point before the last delivered frame are kept. The device has failed if its
// decoder counts a packet or frame as corrupt, also if it cannot decode such pictures. Then the kept packets are
// decoded again in software, and frames already delivered are skipped. Decoding stays in software: if that reports
// errors too, the media is at fault. A device that failed once is not used again for the same stream.
#pragma once

#include "encoder/codec/engine.hpp"

#include <deque>
#include <memory>
#include <string>

namespace troupe::av {

class device_decoder : public picture_decoder {
public:
  /// Without a device in the options this is the engine's decoder and nothing more. A device that does not open is no
  /// error: the work's log names it, and software decodes.
  static expected<device_decoder> open(const track& source, const decoder_options& options,
                                       const engine& codecs = libav_engine());

  /// Frames may be in the device's memory (`hw_frames_ctx`). A frame at which the device failed is delivered only after
  /// software has decoded it.
  expected<void> decode(const AVPacket& packet, const on_frame& deliver) override;

  expected<void> drain(const on_frame& deliver) override;

  /// Packets that software refused, and frames that software decoded with errors.
  uint64_t corrupt() const noexcept override {
    return on_device_ ? 0 : current_->corrupt();
  }

  bool on_device() const noexcept {
    return on_device_;
  }

  /// Why software decodes although there is a device; empty if it does not.
  const std::string& why_software() const noexcept {
    return why_software_;
  }

private:
  device_decoder(const track& source, const decoder_options& options, const engine& codecs);

  /// The kept packets are dropped beyond these limits: a failure then costs the frames up to the next random-access
  /// point.
  static constexpr size_t kept_packets_max = 4096;
  static constexpr size_t kept_bytes_max = 64 << 20;

  /// Opens the decoder that is used from now on: on `device`, or in software if `device` is empty.
  expected<void> open_on(const std::string& device);
  void keep(const AVPacket& packet);
  void let_go();
  void forget();

  /// True if the device failed at this packet (null: the end) or before.
  expected<bool> try_device(const AVPacket* packet, const on_frame& deliver);
  expected<void> fall_back(const on_frame& deliver);
  expected<void> pass_on(AVFrame& frame, const on_frame& deliver);

  track source_;
  decoder_options options_;
  const engine& codecs_;
  bool on_device_ = false;
  std::unique_ptr<picture_decoder> current_;
  std::string why_software_;
  std::deque<packet_ptr> kept_; ///< while on a device
  size_t kept_bytes_ = 0;
  bool whole_ = true;        ///< no packet that belongs to `kept_` was dropped
  int64_t passed_ = no_pts;  ///< the time of the last frame delivered
  int64_t skip_to_ = no_pts; ///< software drops frames up to this time, because they are delivered already
};

} // namespace troupe::av
