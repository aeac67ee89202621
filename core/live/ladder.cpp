#include "core/live/ladder.hpp"

#include <cassert>

namespace troupe::core {

namespace {

constexpr char separator = '/';

} // namespace

std::string rendition_name(std::string_view ladder, std::string_view rendition) {
  return std::string{ladder} + separator + std::string{rendition};
}

std::string_view ladder_of(std::string_view rendition) {
  auto end = rendition.find(separator);
  return end == std::string_view::npos ? std::string_view{} : rendition.substr(0, end);
}

std::vector<std::string> renditions_of(const ladder& x, const std::map<std::string, profile>& known) {
  assert(!x.profiles.empty());
  auto result = x.profiles;
  if (known.at(x.profiles.front()).audio.codec != "none")
    result.emplace_back(sound_name);
  return result;
}

std::vector<profile> profiles_of(const ladder& x, const std::map<std::string, profile>& known) {
  std::vector<profile> result;
  for (auto& name : renditions_of(x, known)) {
    auto is_sound = name == sound_name;
    auto& from = known.at(is_sound ? x.profiles.front() : name);
    auto& made = result.emplace_back(profile{rendition_name(x.name, name), {}, {}});
    if (is_sound) {
      made.video.codec = "none";
      made.video.keyframe_interval = from.video.keyframe_interval;
      made.audio = from.audio;
    } else {
      made.video = from.video;
      made.audio.codec = "none";
    }
  }
  return result;
}

} // namespace troupe::core
