// One track's packets to frames: the send/receive machine of libavcodec's decoders.
#pragma once

#include "encoder/error.hpp"
#include "encoder/track.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe::av {

struct decoder_options {
  int threads = 0;        ///< 0: one a core
  bool low_delay = false; ///< slice threads only: a frame leaves as soon as it is decoded
  bool strict = false;    ///< what is damaged is refused, not concealed
  bool unseen = false;    ///< nobody looks at the pixels: all is parsed, and not all is reconstructed
  std::string device{};   ///< decodes there, and the pictures stay there; see encoder/codec/hw_device.hpp
};

/// Legal calls: `decode` any number of times, `drain` in between where the stream is cut: after it the decoder is as new.
class decoder {
public:
  /// Receives each frame, in presentation order, with its PTS in `time_base` or `no_pts`. May move the frame's references away. An error ends
  /// the call and is handed on.
  using on_frame = std::function<expected<void>(AVFrame&)>;

  /// `errc::device` where the device does not open, or decodes no such codec. Whether it decodes these pictures shows with the first of them: one that
  /// it cannot comes in main memory.
  static expected<decoder> open(const track& source, const decoder_options& options);

  /// Decodes one packet. A frame whose packet has `AV_PKT_FLAG_DISCARD` is not delivered. What the decoder refuses is counted and passed over; memory that is out is an error.
  expected<void> decode(const AVPacket& packet, const on_frame& deliver);

  /// Delivers the frames that the decoder still holds, and forgets its references.
  expected<void> drain(const on_frame& deliver);

  /// Packets that were refused, and frames that were decoded with errors.
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

  /// Whether the packet of this frame said that it is not shown.
  bool is_hidden(const AVFrame& frame);

  codec_context_ptr context_;
  frame_ptr frame_;
  uint64_t corrupt_ = 0;
  std::vector<int64_t> hidden_; ///< the times of pictures that are not shown, and have not come out
};

} // namespace troupe::av
