// Test media of our own: the moving picture of rig/picture.hpp with the sound of rig/tone.hpp, encoded into a file.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/error.hpp"
#include "rig/picture.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace troupe::bench {

struct sample_options {
  int width = 640; ///< pixels, even, from `frame_code_width_min` to 7680
  int height = 360;
  AVRational frame_rate{25, 1};
  AVRational sample_aspect{1, 1};
  /// Length, at most 24 hours. Rounded up to whole marker intervals, so that a looped file keeps its markers: see
  /// `frame_count`.
  double seconds = 10;
  double begin_seconds = 0;               ///< the time of the first picture, for containers that have one
  std::string video_encoder = "libx264";  ///< empty for none
  std::string video_preset = "superfast"; ///< for encoders that have presets
  int64_t video_bit_rate = 0;             ///< bit/s; 0 chooses by picture size and rate
  int gop_frames = 0;                     ///< frames from one random-access point to the next; 0 for one second
  int b_frames = 2;
  picture_options picture;
  std::string audio_encoder = "aac"; ///< empty for none
  int64_t audio_bit_rate = 192'000;
  int sample_rate = 48'000;

  /// Corrupts the sample for tests: returns the number of the picture to put at a place, or nothing to leave the place
  /// out. If unset, each place gets its own picture.
  std::function<std::optional<uint32_t>(uint32_t place)> picture_at;
  double audio_shift_seconds = 0; ///< positive: sound later than it should be
};

/// Frames of the sample: the number at which a looped sample restarts at 0.
uint32_t frame_count(const sample_options& options);

/// Makes the sample. The extension of `path` (".ts", ".mp4", ".mkv", ...) selects the container. The sound ends with
/// the last whole audio frame within the picture's length. A failure leaves a partial file behind.
av::expected<void> write_sample(const std::string& path, const sample_options& options);

} // namespace troupe::bench
