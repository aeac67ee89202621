// The DASH manifest of a rendition, by ISO/IEC 23009-1 and the guidelines of DASH-IF for low latency: a dynamic MPD
// whose segments are the same files as those of HLS.
//
// On the grid, segments are told by number and the clock, so players need no update to find the next one, and may ask
// for it while it is made. If the source places random-access points, segments vary in length, and are listed.
//
// The presentation begins where the media's timeline has its zero, a little after 1970. So times and numbers in the
// manifest are those of the media. A discontinuity begins a period.
#pragma once

#include "packaging/rendition.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// `summary.folder` is where the files are, relative to the manifest; `time_address` is that of the server's clock.
std::string dash_manifest(const rendition& of, const rendition_summary& summary, std::string_view time_address);

} // namespace troupe
