// Renditions by name, for files: what a scenario or a platform asks for, and nothing else under that name.
//
// A preset says everything that its name says: the picture is as large as fits into that size, with square pixels, exactly of that rate, in that codec,
// at that average rate. What an order sets beside it goes first.
#pragma once

#include "messages/work.hpp"

#include <span>
#include <string>
#include <string_view>

namespace troupe::config {

struct preset {
  std::string name;
  std::string about;     ///< for people
  std::string container; ///< that suits it, where the output's name says nothing: "mp4", "webm"
  video_profile video;
  audio_profile audio;
};

/// All of them, in the order of the table.
std::span<const preset> presets();

/// Null where none has that name.
const preset* find_preset(std::string_view name);

} // namespace troupe::config
