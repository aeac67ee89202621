// Facts that only a stream's packets tell: the number of samples, the picture order and, if the container does not say,
// the format.
#pragma once

#include "encoder/av_ptr.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace troupe::av {

/// Reads the headers of a track's packets, one frame a packet.
class stream_parser {
public:
  explicit stream_parser(const AVCodecParameters& parameters);

  struct facts {
    std::optional<int64_t> picture_order; ///< H.264 and HEVC: the coded position in presentation order
    AVFieldOrder field_order = AV_FIELD_UNKNOWN;
    int64_t samples = 0; ///< audio: samples at the track's rate, 0 if the codec does not tell
  };

  facts parse(const AVPacket& packet);

  /// Forgets what it learnt from earlier packets; call it after a seek.
  void flush();

private:
  struct closer {
    void operator()(AVCodecParserContext* ptr) const noexcept {
      av_parser_close(ptr);
    }
  };

  codec_parameters_ptr parameters_;
  codec_context_ptr context_;
  std::unique_ptr<AVCodecParserContext, closer> parser_;
};

/// Finds the parameters of a stream by decoding it, if the container announced or began it without saying enough.
class stream_prober {
public:
  explicit stream_prober(const AVCodecParameters& announced);

  /// False if there is no decoder for it.
  bool possible() const noexcept {
    return context_ != nullptr;
  }

  /// Takes one packet; returns the parameters once they are known.
  codec_parameters_ptr feed(const AVPacket& packet);

private:
  codec_parameters_ptr announced_;
  codec_context_ptr context_;
  frame_ptr frame_;
};

/// True if the parameters suffice to open a decoder and an output.
bool is_known(const AVCodecParameters& x) noexcept;

} // namespace troupe::av
