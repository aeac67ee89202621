// Carries closed captions from the decoder's pictures to the encoder's packets. Filters repeat and drop pictures, and
// many encoders ignore the captions of a picture: in libavcodec 59 those for AV1, and most for H.265.
#pragma once

#include "encoder/av_ptr.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace troupe::av {

/// Passes each character pair once, in order. The pairs of a dropped picture come with the next picture; those of a
/// repeated picture with its first copy.
class caption_queue {
public:
  /// Takes the captions out of a decoded picture.
  void take(AVFrame& frame);

  /// Gives a picture the captions up to its own time: as many as it can carry; the others wait. Call it in the order of
  /// the pictures' times.
  void give(AVFrame& frame);

private:
  struct piece {
    int64_t pts = 0;
    std::vector<uint8_t> pairs;
  };

  std::deque<piece> pieces_;
};

/// Legal calls: `take` for each picture that the encoder gets, `put` for each packet that it returns.
class caption_keeper {
public:
  explicit caption_keeper(const AVCodec& encoder);

  /// Remembers the captions of a picture, by its time.
  void take(const AVFrame& frame);

  /// Puts the captions of the picture with the packet's time before its coded data: as an SEI message (H.264 annex
  /// D.1.6, H.265 annex D.2.6), or as a metadata OBU (AV1 5.8.2). In AV1, the captions of a picture that was coded
  /// earlier come with the next one that is not.
  void put(AVPacket& packet);

private:
  AVCodecID codec_; ///< none if the encoder writes captions itself, or its codec has no such message
  std::map<int64_t, std::vector<uint8_t>> captions_;
  std::vector<uint8_t> pending_; ///< of pictures whose packets have no place for them
};

} // namespace troupe::av
