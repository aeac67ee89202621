// Converts text subtitles from one format to another.
#pragma once

#include "encoder/error.hpp"
#include "encoder/track.hpp"

namespace troupe::av {

/// True for a packet with text. MP4 and MOV have an empty packet after each line, until the next line begins.
bool is_line(AVCodecID codec, const AVPacket& packet);

class subtitle_converter {
public:
  /// `errc::unsupported` if one of the two has no decoder or encoder here.
  static expected<subtitle_converter> open(const AVCodecParameters& from, AVCodecID to);

  /// The parameters of the output of `convert`.
  const AVCodecParameters& parameters() const noexcept {
    return *parameters_;
  }

  /// Converts a packet in place; its times, in ticks, stay. False if nothing remains: an empty line, or a packet that
  /// cannot be decoded.
  bool convert(AVPacket& packet);

private:
  subtitle_converter(codec_context_ptr decoder, codec_context_ptr encoder);

  codec_context_ptr decoder_;
  codec_context_ptr encoder_;
  codec_parameters_ptr parameters_;
  std::vector<uint8_t> buffer_;
};

} // namespace troupe::av
