// The content of a file as the ffmpeg programs decode it: each picture, each sample of sound, its streams. Two files
// can be compared by it, whatever their containers and codecs are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::test {

struct decoded_picture {
  double seconds = 0; ///< presentation time in the file's own timeline
  std::string hash;   ///< of its pixels
};

struct decoded_sound {
  double begin = 0; ///< seconds, of its first sample
  int rate = 0;
  int channels = 0;
  std::vector<int16_t> samples; ///< all channels of a moment, one after the other
};

struct decoded_content {
  std::string error;                     ///< what ffmpeg said; it may say much of a damaged file
  std::string codec;                     ///< of those pictures
  std::vector<decoded_picture> pictures; ///< of the first stream of pictures that is no cover
  std::vector<decoded_sound> sounds;     ///< of each stream
  size_t subtitles = 0;                  ///< streams
  size_t lines = 0;                      ///< packets of subtitles
  size_t attachments = 0;
  size_t covers = 0;
  size_t videos = 0; ///< streams of pictures that are no covers
  size_t chapters = 0;
};

/// Decodes the file at `path`; writes scratch files into `folder`.
decoded_content content_of(const std::string& path, const std::string& folder);

/// One sentence for each picture of `source` that `result` lacks, has twice, or has at another time.
std::vector<std::string> picture_differences(const decoded_content& source, const decoded_content& result,
                                             bool same_content);

/// The same for audio streams that both have: their samples, and their times relative to the pictures. In the source,
/// ffmpeg may show pictures late by `shown_late_s`.
std::vector<std::string> sound_differences(const decoded_content& source, const decoded_content& result,
                                           bool same_content, double shown_late_s = 0);

/// The kinds of streams of which the result has fewer than the source.
std::vector<std::string> missing_streams(const decoded_content& source, const decoded_content& result);

} // namespace troupe::test
