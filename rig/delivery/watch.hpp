// Watches an HLS or DASH channel as players do, all of its renditions at once, and judges the server by what it sees.
#pragma once

#include "rig/delivery/observation.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::bench::delivery {

struct watch_options {
  std::string url; ///< of an .m3u8 or .mpd
  seconds duration{60};
};

struct watch_result {
  std::vector<violation> violations;
  uint64_t renditions = 0;
  uint64_t playlists = 0; ///< and manifests
  uint64_t parts = 0;
  uint64_t segments = 0;
  uint64_t media_bytes = 0;
};

/// Whether a URL's path ends as that of a playlist or manifest.
bool is_delivery(std::string_view url);

/// Blocks for `duration`, and for the answers that are outstanding then; less if a playlist has an end. It also makes
/// requests that players should not make, so it is no substitute for a player. Never fails: problems are violations.
watch_result watch(const watch_options& options);

} // namespace troupe::bench::delivery
