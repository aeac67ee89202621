// A decoder that uses a device for as long as that works, and goes on in software from there: no frame is lost, none comes twice.
//
// The packets since the random-access point before the last frame delivered are kept. When the device refuses a packet, makes a picture in main memory (which
// says that it cannot decode these) or a damaged one, they are decoded again in software, and what was delivered already is passed over. It stays in software:
// whether the device or the media was to blame shows there, and a device that failed once is not asked again for the same stream.
#pragma once

#include "encoder/codec/decoder.hpp"
#include "encoder/codec/stand_in.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace troupe::av {

/// Legal calls are those of `decoder`.
class device_decoder {
public:
  /// Without a device in the options it is `decoder`. A device that does not open is no error: it is named in the log of the work, and all is
  /// decoded in software.
  static expected<device_decoder> open(const track& source, const decoder_options& options);

  /// Frames may lie in the device's memory (`hw_frames_ctx`). One that the device has failed at is not delivered before software has decoded it.
  expected<void> decode(const AVPacket& packet, const decoder::on_frame& deliver);

  expected<void> drain(const decoder::on_frame& deliver);

  /// Packets that software refused, and frames that it decoded with errors.
  uint64_t corrupt() const noexcept {
    return on_device_ ? 0 : current_->corrupt();
  }

  bool on_device() const noexcept {
    return on_device_;
  }

  /// Why it decodes in software though there is a device; empty where it does not.
  const std::string& why_software() const noexcept {
    return why_software_;
  }

private:
  device_decoder(const track& source, const decoder_options& options);

  /// What the device has kept so far is given up beyond these: a failure then costs the frames up to the next random-access point.
  static constexpr size_t kept_packets_max = 4096;
  static constexpr size_t kept_bytes_max = 64 << 20;

  expected<void> open_on_device();
  expected<void> open_software();
  void keep(const AVPacket& packet);
  void let_go();
  void forget();

  /// True where the device failed at the packet (null: the end) or before.
  expected<bool> try_device(const AVPacket* packet, const decoder::on_frame& deliver);
  expected<void> fall_back(const decoder::on_frame& deliver);
  expected<void> pass_on(AVFrame& frame, const decoder::on_frame& deliver);

  track source_;
  decoder_options options_;
  bool on_device_ = false;
  std::unique_ptr<stand_in_decoder> pretended_;
  std::optional<decoder> current_;
  std::string why_software_;
  std::deque<packet_ptr> kept_; ///< while on a device
  size_t kept_bytes_ = 0;
  bool whole_ = true;        ///< nothing that belongs to `kept_` was given up
  int64_t passed_ = no_pts;  ///< the time of the last frame delivered
  int64_t skip_to_ = no_pts; ///< frames up to this time were delivered before software took over
};

} // namespace troupe::av
