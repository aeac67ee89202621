// The same settings for another encoder of the same codec: what a profile for NVENC means where Quick Sync, VA-API or software encodes.
//
// Presets are steps of one scale from slow to fast, on which each family has its own names. Constant quality is the quantiser of the codec, whose range
// differs by family. Equivalents are near, never equal: another encoder makes other pictures at the same setting. What has no equivalent is left out and named.
#pragma once

#include "encoder/error.hpp"
#include "encoder/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::av {

struct translated_settings {
  video_settings settings;           ///< with `encoder` set to the new one
  std::vector<std::string> left_out; ///< "tune=film": settings without an equivalent there
};

/// Settings for `encoder` that do what `from` does for its own. `from.encoder` may be a codec's name: its values are then those of the codec's first encoder in
/// software. `errc::option` where the two do not make the same codec or one of them is unknown.
expected<translated_settings> translate_settings(const video_settings& from, std::string_view encoder);

} // namespace troupe::av
