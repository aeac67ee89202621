// The DASH manifest of a profile's rendition, or of a ladder's renditions, by ISO/IEC 23009-1 and the guidelines of
// DASH-IF for low latency: a dynamic MPD whose segments are the same files as those of HLS.
//
// On the grid, segments are told by number and the clock, so players need no update to find the next one, and may ask
// for it while it is made. If the source places random-access points, segments vary in length, and are listed.
//
// The presentation begins where the media's timeline has its zero, a little after 1970. So times and numbers in the
// manifest are those of the media. A discontinuity begins a period.
#pragma once

#include "packaging/rendition.hpp"

#include <span>
#include <string>
#include <string_view>

namespace troupe {

struct manifest_rendition {
  rendition_ptr of;
  rendition_summary summary; ///< its folder is where the files are, relative to the manifest
};

/// At least one rendition. Video of one codec is one adaptation set; each track of sound is one of its own, and each of
/// subtitles.
/// `time_address` is that of the server's clock.
std::string dash_manifest(std::span<const manifest_rendition> renditions, std::string_view time_address);

} // namespace troupe
