// Named renditions for files: exactly what a use or a platform asks for.
//
// A preset sets everything in its name: the picture is as large as fits into that size, with square pixels, at exactly
// that rate, in that codec, at that average bit rate. Settings in the order itself override it.
#pragma once

#include "messages/work.hpp"

#include <span>
#include <string>
#include <string_view>

namespace troupe::config {

struct preset {
  std::string name;
  std::string about;     ///< description for users
  std::string container; ///< used if the output's name implies no container: "mp4", "webm"
  video_profile video;
  audio_profile audio;
};

/// All of them, in the order of the table.
std::span<const preset> presets();

/// Null if no preset has that name.
const preset* find_preset(std::string_view name);

} // namespace troupe::config
