// The names of codecs in playlists and manifests, by which a player decides whether it can play a rendition.
#pragma once

#include "messages/media.hpp"

#include <string>

namespace troupe {

/// The name of a track's codec with its parameters (RFC 6381): "avc1.64001f", "hvc1.1.6.L93.B0", "av01.0.04M.08",
/// "vp09.00.31.08", "mp4a.40.2", "mp4a.6B", "ac-3", "ec-3", "opus", "flac".
///
/// The parameters come from the extradata: avcC, hvcC or Annex B, av1C, vpcC, or AAC's AudioSpecificConfig. What the
/// extradata does not tell comes from the format's profile, level and pixel format. Empty if neither tells enough, or
/// if players know no such codec.
///
/// Sources: ISO/IEC 14496-15 annex E (avc1, hvc1), the bindings of AV1 and VP9 to ISOBMFF, RFC 6381 section 3.3 (mp4a).
/// Opus and FLAC are written as browsers expect them, in lower case.
std::string codec_name(const track_format& format);

} // namespace troupe
