// Closed captions on their way from the decoder's pictures to the encoder's packets: filters repeat and drop pictures, and libavcodec 59's libx265 passes over
// what a picture brings.
#pragma once

#include "encoder/av_ptr.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace troupe::av {

/// Character pairs come once, in their order, whatever becomes of the pictures that brought them: those of a picture that is dropped come with the next one, those of one that is
/// repeated with the first.
class caption_queue {
public:
  /// Takes the captions of a decoded picture away from it.
  void take(AVFrame& frame);

  /// Gives a picture, in the order of their times, the captions up to its own time: as many as it can carry, the others wait.
  void give(AVFrame& frame);

private:
  struct piece {
    int64_t pts = 0;
    std::vector<uint8_t> pairs;
  };

  std::deque<piece> pieces_;
};

/// Legal calls: `take` for each picture that the encoder is given, `put` for each packet that it gives back.
class caption_keeper {
public:
  explicit caption_keeper(const AVCodec& encoder);

  /// Remembers the captions of a picture, by its time.
  void take(const AVFrame& frame);

  /// Puts the captions of the picture with the packet's time in front of its slices, as a message (SEI, ITU-T H.265 annex D.2.6).
  void put(AVPacket& packet);

private:
  bool needed_; ///< else the encoder does it by itself, or its codec has no such message
  std::map<int64_t, std::vector<uint8_t>> captions_;
};

} // namespace troupe::av
