// Settings with which an encoder is fast: most transcode tests use them with small changes.
#pragma once

#include "make_stream.hpp"

#include <string>
#include <vector>

namespace troupe::av::test {

inline video_settings video() {
  video_settings result;
  result.encoder = "h264";
  result.preset = "ultrafast";
  result.crf = 18;
  result.threads = 1;
  return result;
}

inline audio_settings audio(const std::string& encoder = "aac") {
  audio_settings result;
  result.encoder = encoder;
  return result;
}

/// The decoded pictures of the first track.
inline std::vector<picture> pictures_of(const result& made) {
  return show(made.tracks[0], made.of(0));
}

} // namespace troupe::av::test
