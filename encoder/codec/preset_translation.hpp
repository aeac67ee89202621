// Translates settings to another encoder of the same codec: a profile for NVENC also works with Quick Sync, VA-API or
// software.
//
// Presets are steps of one scale from slow to fast; each family has its own names for them. Constant quality is the
// codec's quantiser, whose range differs by family. Equivalents are near, never equal: another encoder makes other
// pictures at the same setting. A setting without an equivalent is left out and named.
#pragma once

#include "encoder/error.hpp"
#include "encoder/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::av {

struct translated_settings {
  video_settings settings;           ///< with `encoder` set to the new one
  std::vector<std::string> left_out; ///< settings without an equivalent, such as "tune=film"
};

/// Settings with which `encoder` has the effect that `from` has with `from.encoder`. `from.encoder` may be a codec: the
/// values of `from` are then meant for the codec's first software encoder. `errc::option` if the two make different
/// codecs, or if one is unknown.
expected<translated_settings> translate_settings(const video_settings& from, std::string_view encoder);

} // namespace troupe::av
