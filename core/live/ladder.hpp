// A ladder: the renditions of a channel between which a player switches while it plays. Each of its profiles gives the
// video of one; the sound of the first profile is made once, for all.
//
// A session runs each of these renditions by itself, so that each fails over by itself. All of them are cut at the same
// times of the source, because they have one keyframe interval.
#pragma once

#include "messages/work.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

struct ladder {
  std::string name;
  std::vector<std::string> profiles; ///< their names

  bool operator==(const ladder&) const = default;
};

inline constexpr size_t ladders_max = 256;
inline constexpr size_t ladder_profiles_max = 16;

/// The sound of a ladder among its renditions; no profile of a ladder has this name.
inline constexpr std::string_view sound_name = "sound";

/// What a session calls a rendition of a ladder: "main/hd". No profile has such a name.
std::string rendition_name(std::string_view ladder, std::string_view rendition);

/// The ladder in such a name; empty for a profile by itself.
std::string_view ladder_of(std::string_view rendition);

/// The names of a ladder's renditions within it: its profiles, and `sound_name` if the first profile has sound.
std::vector<std::string> renditions_of(const ladder& x, const std::map<std::string, profile>& known);

/// The same as what a session makes. All profiles must be known.
std::vector<profile> profiles_of(const ladder& x, const std::map<std::string, profile>& known);

} // namespace troupe::core
