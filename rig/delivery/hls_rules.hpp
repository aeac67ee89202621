// Rules that one HLS playlist keeps or breaks by itself.
#pragma once

#include "rig/delivery/playlist.hpp"
#include "rig/delivery/verdict.hpp"

namespace troupe::bench::delivery {

void check_multivariant(verdict& to, std::string_view place, const multivariant_playlist& x);

/// `whole` is the playlist, or for a delta update the merged one; `seen` is what the server sent.
void check_media_playlist(verdict& to, std::string_view place, const media_playlist& seen, const media_playlist& whole);

/// Whether CODECS has a codec of video.
bool has_video(std::string_view codecs);

/// For messages: seconds with three decimals.
std::string in_seconds(double value);

} // namespace troupe::bench::delivery
