// One file encoded by two programs, and what they made of it: the parts of `caf-bench chunked`.
#pragma once

#include "rig/process.hpp"

#include <string>
#include <vector>

namespace troupe::bench {

/// The same for both sides.
struct chunked_settings {
  std::string encoder; ///< libavcodec's name
  std::string preset;  ///< the encoder's own: `-preset`, or `-cpu-used` of libvpx
  int crf = 0;
  double chunk_seconds = 0; ///< of ours; 0: as it likes
};

/// ffmpeg's defaults otherwise; the sound is AAC at 128 kbit/s.
process_result encode_with_ffmpeg(const std::string& in, const std::string& out, const chunked_settings& with);

/// The same two halves of `in`, which has sound and lasts `seconds`, by two ffmpegs at once with one thread each, and the sound by a third; nothing is joined,
/// and nothing looked at again. Seconds until the last one ends: nobody who cuts the file in pieces is quicker on two processors.
double encode_halves(const std::string& in, const std::string& out, const chunked_settings& with, double seconds);

/// `caf-ctl transcode --local`, of the folder that this program is in.
process_result encode_with_troupe(const std::string& in, const std::string& out, const chunked_settings& with);

/// A finished file's video.
struct encoded_video {
  double frames = 0;
  double kib = 0;
  double ssim = 0; ///< of all planes, against the source
};

/// Decodes it twice: to count, and beside the source. Throws where that fails.
encoded_video look_at(const std::string& file, const std::string& source);

/// Leaves this process and its children `count` of the processors that it may use now. Throws where there are fewer.
void use_processors(int count);

} // namespace troupe::bench
