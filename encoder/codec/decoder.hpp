// Decodes one track's packets to frames, with the send/receive interface of libavcodec.
#pragma once

#include "encoder/error.hpp"
#include "encoder/track.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe::av {

struct decoder_options {
  int threads = 0;        ///< 0: one per core
  bool low_delay = false; ///< slice threads only: a frame leaves as soon as it is decoded
  bool strict = false;    ///< damaged data is refused, not concealed
  bool unseen = false;    ///< the pixels are not used: everything is parsed, but not everything is reconstructed
  std::string device{};   ///< decodes on this device, and leaves the pictures there; see encoder/codec/hw_device.hpp
};

/// Legal calls: `decode` any number of times, with `drain` in between wherever the stream is cut: after it the decoder
/// starts fresh.
class decoder {
public:
  /// Receives each frame, in presentation order, with its PTS in `time_base` or `no_pts`. May move the frame's
  /// references away. An error ends the call and is returned.
  using on_frame = std::function<expected<void>(AVFrame&)>;

  /// `errc::device` if the device does not open, or does not decode this codec. Whether it can decode these pictures
  /// shows only with the first of them: a picture that it cannot decode comes in main memory.
  static expected<decoder> open(const track& source, const decoder_options& options);

  /// Decodes one packet. A frame whose packet has `AV_PKT_FLAG_DISCARD` is not delivered. A packet that the decoder
  /// refuses is counted and skipped; running out of memory is an error.
  expected<void> decode(const AVPacket& packet, const on_frame& deliver);

  /// Delivers the frames that the decoder still holds, and drops its references.
  expected<void> drain(const on_frame& deliver);

  /// Refused packets, and frames that were decoded with errors.
  uint64_t corrupt() const noexcept {
    return corrupt_;
  }

  /// The name of libav*'s decoder.
  const char* name() const noexcept;

private:
  enum class outcome { frame, again, end };

  decoder(codec_context_ptr context, frame_ptr frame);

  expected<void> send(const AVPacket* packet);
  expected<outcome> receive();
  expected<outcome> receive_all(const on_frame& deliver);

  /// True if the frame's packet said that it is not shown.
  bool is_hidden(const AVFrame& frame);

  codec_context_ptr context_;
  frame_ptr frame_;
  uint64_t corrupt_ = 0;
  std::vector<int64_t> hidden_; ///< times of hidden pictures that have not come out yet
};

} // namespace troupe::av
