// The DASH manifest of a profile's rendition, or of a ladder's, by ISO/IEC 23009-1 and the guidelines of DASH-IF: a
// dynamic MPD with one period and explicit times of segments, which are the same files as those of HLS.
//
// Its times count from 1970, so the availability start never changes, even if the coordinator restarts. The
// presentation time offset maps the timeline to that clock.
#pragma once

#include "packaging/rendition.hpp"

#include <span>
#include <string>

namespace troupe {

struct manifest_names {
  std::string location; ///< where a player loads the manifest's updates, relative to it; empty: where it got this one
  std::string time;     ///< relative address of the server's clock
};

struct manifest_rendition {
  rendition_ptr of;
  rendition_summary summary; ///< its folder is where the files are, relative to the manifest
};

/// At least one rendition. The video of all is one adaptation set; each track of sound is one of its own.
std::string dash_manifest(std::span<const manifest_rendition> renditions, const manifest_names& names);

} // namespace troupe
