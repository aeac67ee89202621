// Named renditions for files: exactly what a use or a platform asks for.
//
// A preset sets size, frame rate, codec and average bit rate. The picture is as large as fits into the size, with
// square pixels. Settings in the order override the preset.
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

/// All presets, in the order of the table.
std::span<const preset> presets();

/// Null if no preset has that name.
const preset* find_preset(std::string_view name);

} // namespace troupe::config
