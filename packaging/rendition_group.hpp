// The renditions of a ladder, as far as their playlists speak of each other.
//
// Each rendition says how far its tracks have come; the others report it to players, who switch to them without asking
// for their playlists first.
#pragma once

#include "packaging/hls_playlist.hpp"

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {

/// Any thread may call it. Names of renditions are those of their folders.
class rendition_group {
public:
  void put(const std::string& rendition, const std::string& track, const playlist_place& latest);
  void remove(const std::string& rendition);

  /// The tracks of all other renditions, relative to this one's folder.
  std::vector<rendition_report> others(const std::string& rendition) const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, playlist_place>> places_;
};

} // namespace troupe
