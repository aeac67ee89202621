// Passthrough or transcode, and which capabilities a worker needs: decided from the source's format and the profile. A
// rendition that needs no decoding needs no task.
#pragma once

#include "core/memory_plan.hpp"
#include "messages/media.hpp"
#include "messages/work.hpp"

#include <string>
#include <vector>

namespace troupe::core {

/// Whether the container of renditions can hold a codec; null stands for a container that holds all.
using codec_test = bool (*)(const std::string& codec);

/// A track of the source that goes to clients beside the rendition: subtitles, splice information. It is rare data that
/// no transcode needs, and that must survive one; so the session passes it on by itself.
struct carried_track {
  uint16_t from = 0; ///< index in the source
  track_format format;

  bool operator==(const carried_track&) const = default;
};

enum class track_action : uint8_t { copy, drop, encode };

struct variant_plan {
  std::vector<track_action> actions; ///< one per source track; `drop` for carried ones
  std::vector<uint16_t> ranks;       ///< one per source track: clients get tracks with a smaller one first
  std::vector<carried_track> carried;
  std::vector<std::string> encoders; ///< encoder or codec names that the worker must have proven
  std::vector<std::string> decoders; ///< codec names that the worker must have proven
  bool encodes_video = false;
  std::vector<std::string> notes; ///< what differs from the profile, and why

  /// True if nothing has to be decoded, so that no task is needed.
  bool passthrough() const noexcept {
    return encoders.empty();
  }
};

/// A track passes through if the profile says "copy". It also does if the profile names the source's codec (not an
/// encoder) and asks for no different size, rate, pixel format, layout or bit rate. A track that the container cannot
/// hold is encoded. Sound in other languages than the profile wants is dropped, unless nothing else is left. Subtitles
/// and data are carried if the container holds them. The plan may be empty (no track left): then the caller must refuse
/// it.
variant_plan plan_variant(const stream_format& source, const profile& target, codec_test held = nullptr);

/// The place of each track that is not dropped among those that clients get. Source order if the profile says nothing.
std::vector<uint16_t> places_of(const variant_plan& plan);

/// How tracks are encoded: as the profile says; if it says "copy", in codecs that every container and receiver
/// supports.
profile encoding_of(const profile& target);

/// The format of a passthrough rendition: the tracks that are not dropped.
stream_format passthrough_format(const stream_format& source, const variant_plan& plan);

/// The part of a lease request that asks for an encoder for such video.
encoder_wish wish_of(const video_profile& x);

/// A transcoder's work on pictures, for an estimate of its memory.
picture_work pictures_of(const stream_format& source, const video_profile& target);

/// The track that sets a stream's pace: its first video track, else its first track.
uint16_t leading_track(const stream_format& x) noexcept;

} // namespace troupe::core
