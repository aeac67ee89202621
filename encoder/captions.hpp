// Closed captions for encoders of libavcodec 59 that pass over those that a picture brings: libx265, and all of AV1.
#pragma once

#include "encoder/av_ptr.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace troupe::av {

/// Legal calls: `take` for each picture that the encoder is given, `put` for each packet that it gives back.
class caption_keeper {
public:
  explicit caption_keeper(const AVCodec& encoder);

  /// Remembers the captions of a picture, by its time.
  void take(const AVFrame& frame);

  /// Puts the captions of the picture with the packet's time in front of its slices: as a message of HEVC (SEI, ITU-T H.265 annex D.2.6), as metadata of AV1
  /// (AV1 specification, section 5.8.2).
  void put(AVPacket& packet);

private:
  AVCodecID codec_ = AV_CODEC_ID_NONE; ///< none where the encoder does it by itself, or nobody can
  std::map<int64_t, std::vector<uint8_t>> captions_;
};

} // namespace troupe::av
