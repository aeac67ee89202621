// Subtitles as fragments of MP4, for DASH: WebVTT by ISO/IEC 14496-30. libavformat's muxer knows no such track, so the
// boxes are written here. Pure.
//
// The samples of a fragment follow one another without a gap. A sample holds the cues that are seen during it, or says
// that there are none. So players know of each moment whether it is loaded.
#pragma once

#include "messages/media.hpp"
#include "packaging/subtitle_segments.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace troupe {

/// The name of such a track, by RFC 6381.
inline constexpr std::string_view text_name = "wvtt";

/// The init segment. `language` is of ISO 639-2; all others are undetermined.
shared_bytes text_init(const std::string& language);

/// The time from `from` to `to` (ticks), which is not empty. The cues are within it.
shared_bytes text_fragment(int64_t number, int64_t from, int64_t to, std::span<const text_cue> cues);

/// The cues of a fragment have about as many bytes at most; what comes later is left out.
inline constexpr size_t text_bytes_max = size_t{256} * 1024;

} // namespace troupe
