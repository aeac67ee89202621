// The DASH manifest of a rendition, by ISO/IEC 23009-1 and the guidelines of DASH-IF: a dynamic MPD with one period and
// explicit times of segments, which are the same files as those of HLS.
//
// Its times count from 1970, so the availability start never changes, even if the coordinator restarts. The
// presentation time offset maps the timeline to that clock.
#pragma once

#include "packaging/rendition.hpp"

#include <string>

namespace troupe {

struct manifest_names {
  std::string location; ///< where a player loads the manifest's updates, relative to it; empty: where it got this one
  std::string time;     ///< relative address of the server's clock
};

/// `summary.folder` is where the files are, relative to the manifest.
std::string dash_manifest(const rendition& of, const rendition_summary& summary, const manifest_names& names);

} // namespace troupe
