// One file encoded by two programs, and a comparison of the results: the parts of `caf-bench chunked`.
#pragma once

#include "rig/process.hpp"

#include <string>
#include <vector>

namespace troupe::bench {

/// The settings that both programs get.
struct chunked_settings {
  std::string encoder; ///< libavcodec's name
  std::string preset;  ///< the encoder's own: `-preset`, or `-cpu-used` of libvpx
  int crf = 0;
  double chunk_seconds = 0; ///< for Troupe; 0: its default
};

/// Encodes with these settings and otherwise ffmpeg's defaults; the sound becomes AAC at 128 kbit/s.
process_result encode_with_ffmpeg(const std::string& in, const std::string& out, const chunked_settings& with);

/// Two ffmpegs encode the halves of `in` at once with one thread each, and a third encodes the sound; `in` lasts
/// `seconds`. Nothing is joined or checked. Returns the seconds until the last one ends: on two processors, no method
/// that cuts the file into pieces is faster.
double encode_halves(const std::string& in, const std::string& out, const chunked_settings& with, double seconds);

/// Runs `caf-ctl transcode --local` from this program's folder.
process_result encode_with_troupe(const std::string& in, const std::string& out, const chunked_settings& with);

/// A finished file's video.
struct encoded_video {
  double frames = 0;
  double kib = 0;
  double ssim = 0; ///< over all planes, against the source
};

/// Decodes the file twice: once to count, once for comparison with the source. Throws if that fails.
encoded_video look_at(const std::string& file, const std::string& source);

/// Restricts this process and its children to `count` of its present processors. Throws if there are fewer.
void use_processors(int count);

} // namespace troupe::bench
