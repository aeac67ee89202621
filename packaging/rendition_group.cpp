#include "packaging/rendition_group.hpp"

#include <algorithm>
#include <iterator>

namespace troupe {

void rendition_group::put(const std::string& rendition, const std::string& track, const playlist_place& latest) {
  std::lock_guard guard{mutex_};
  places_[rendition][track] = latest;
}

void rendition_group::remove(const std::string& rendition, const std::string& track) {
  std::lock_guard guard{mutex_};
  if (auto tracks = places_.find(rendition); tracks != places_.end())
    tracks->second.erase(track);
}

int64_t rendition_group::interrupt(int64_t current) {
  std::lock_guard guard{mutex_};
  auto next = interrupts_.upper_bound(current);
  return next != interrupts_.end() ? *next : *interrupts_.insert(std::max(newest_, current) + 1).first;
}

bool rendition_group::is_interrupted(int64_t last, int64_t number) {
  std::lock_guard guard{mutex_};
  newest_ = std::max(newest_, number);
  auto next = interrupts_.upper_bound(last);
  return next != interrupts_.end() && *next <= number;
}

int64_t rendition_group::interruptions_before(int64_t number) const {
  std::lock_guard guard{mutex_};
  return std::distance(interrupts_.begin(), interrupts_.lower_bound(number));
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
