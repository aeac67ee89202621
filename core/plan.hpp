// Passthrough, or transcode, and what a worker must be able to do for it: decided from what the source is and what the profile asks.
#pragma once

#include "core/memory_plan.hpp"
#include "messages/media.hpp"
#include "messages/work.hpp"

#include <string>
#include <vector>

namespace troupe::core {

/// Whether the container of renditions holds a codec; null stands for one that holds all.
using codec_test = bool (*)(const std::string& codec);

enum class track_action : uint8_t { copy, drop, encode };

struct variant_plan {
  std::vector<track_action> actions; ///< one per source track
  std::vector<std::string> encoders; ///< encoder or codec names that the worker must have proven
  std::vector<std::string> decoders; ///< codec names that the worker must have proven
  bool encodes_video = false;
  std::vector<std::string> notes; ///< what the rendition has in another form than the profile asks for, and why

  /// True if nothing has to be decoded: no task is needed.
  bool passthrough() const noexcept {
    return encoders.empty();
  }
};

/// A track passes through when the profile says "copy", or names the codec that the source has (not an encoder) and asks for no
/// size, rate, pixel format, layout or bit rate that differs. What the container does not hold is encoded. Empty plan (no track left) is possible: the
/// caller refuses it.
variant_plan plan_variant(const stream_format& source, const profile& target, codec_test held = nullptr);

/// How tracks that are encoded are made: as the profile says; where that says "copy", in codecs that each container and receiver knows.
profile encoding_of(const profile& target);

/// The format of a passthrough rendition: the tracks that are not dropped.
stream_format passthrough_format(const stream_format& source, const variant_plan& plan);

/// What the registry is asked for to encode such video.
encoder_wish wish_of(const video_profile& x);

/// What a transcoder has to do with pictures, for an estimate of its memory.
picture_work pictures_of(const stream_format& source, const video_profile& target);

/// The track by which a stream's pace is told: its first of pictures, else its first.
uint16_t leading_track(const stream_format& x) noexcept;

} // namespace troupe::core
