// Text subtitles from one form into another.
#pragma once

#include "encoder/error.hpp"
#include "encoder/track.hpp"

namespace troupe::av {

/// MP4 and MOV have an empty one behind each line, until the next begins.
bool is_line(AVCodecID codec, const AVPacket& packet);

class subtitle_converter {
public:
  /// `errc::unsupported` where one of the two has no decoder or encoder here.
  static expected<subtitle_converter> open(const AVCodecParameters& from, AVCodecID to);

  /// Of what `convert` makes.
  const AVCodecParameters& parameters() const noexcept {
    return *parameters_;
  }

  /// Converts a packet in place; its times, in ticks, stay. False where nothing is left of it: an empty line, a packet that makes no sense.
  bool convert(AVPacket& packet);

private:
  subtitle_converter(codec_context_ptr decoder, codec_context_ptr encoder);

  codec_context_ptr decoder_;
  codec_context_ptr encoder_;
  codec_parameters_ptr parameters_;
  std::vector<uint8_t> buffer_;
};

} // namespace troupe::av
