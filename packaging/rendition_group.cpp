#include "packaging/rendition_group.hpp"

namespace troupe {

void rendition_group::put(const std::string& rendition, const std::string& track, const playlist_place& latest) {
  std::lock_guard guard{mutex_};
  places_[rendition][track] = latest;
}

void rendition_group::remove(const std::string& rendition) {
  std::lock_guard guard{mutex_};
  places_.erase(rendition);
}

std::vector<rendition_report> rendition_group::others(const std::string& rendition) const {
  std::lock_guard guard{mutex_};
  std::vector<rendition_report> result;
  for (auto& [name, tracks] : places_)
    if (name != rendition)
      for (auto& [track, latest] : tracks)
        result.push_back({"../" + name + "/" + playlist_name(track), latest});
  return result;
}

} // namespace troupe
