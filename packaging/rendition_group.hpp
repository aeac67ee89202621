// The renditions of a ladder, as far as their playlists speak of each other.
//
// Each rendition says how far its tracks have come; the others report it to players, who switch to them without asking
// for their playlists first. Players also want a discontinuity in all renditions at the same segment, whichever of them
// has one.
#pragma once

#include "packaging/hls_playlist.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// Any thread may call it. Names of renditions are those of their folders.
class rendition_group {
public:
  void put(const std::string& rendition, const std::string& track, const playlist_place& latest);
  void remove(const std::string& rendition, const std::string& track);

  /// A rendition cannot go on as it was after its segment `current`: the number of the segment at which all renditions
  /// have a discontinuity. None of them has begun it.
  int64_t interrupt(int64_t current);

  /// A rendition's next segment is `number`: true if there is a discontinuity between `last` and it.
  bool is_interrupted(int64_t last, int64_t number);

  /// The discontinuities before a segment.
  int64_t interruptions_before(int64_t number) const;

  /// The tracks of all other renditions, relative to this one's folder.
  std::vector<rendition_report> others(const std::string& rendition) const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, playlist_place>> places_;
  int64_t newest_ = 0;           ///< number of the newest segment that a rendition has begun
  std::set<int64_t> interrupts_; ///< numbers of segments
};

} // namespace troupe
