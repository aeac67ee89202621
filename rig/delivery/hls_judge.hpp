// Judges an HLS or LL-HLS server by what a player saw of it. Pure: observations go in, violations come out.
//
// A rendition is identified by the URL of its media playlist. The player passes the multivariant playlist first, if
// there is one; then each playlist, init segment, part and segment in the order in which it got them. `finish` comes
// last.
#pragma once

#include "rig/delivery/hls_history.hpp"
#include "rig/delivery/hls_samples.hpp"

#include <array>
#include <map>
#include <memory>

namespace troupe::bench::delivery {

/// A request that a player does not need, made to see what the server answers.
enum class probe {
  part_alone,     ///< _HLS_part without _HLS_msn
  far_segment,    ///< _HLS_msn far past the end
  far_part,       ///< _HLS_part far past the end
  old_segment,    ///< _HLS_msn of a segment that is listed
  unknown_media,  ///< the URL of a segment that never was
  unknown_part,   ///< the URL of a part that is not hinted
  expired_part,   ///< a part that has just left the playlist
  expired_segment ///< the same of a segment
};

class hls_judge {
public:
  explicit hls_judge(verdict& to) : to_(to) {}

  // Each method takes the answer of a server, even if the answer is a failure.

  void multivariant(const observation& seen);

  void playlist(const std::string& rendition, const observation& seen, const reload& asked);

  void init(const std::string& rendition, const observation& seen);

  void part(const std::string& rendition, const media_segment& of, size_t index, const observation& seen);

  void segment(const std::string& rendition, const media_segment& x, const observation& seen);

  /// The answer to a request for a part that was hinted and not listed.
  void hinted(const std::string& rendition, const observation& seen);

  void i_frames(const observation& seen);

  void probed(probe what, const std::string& rendition, const observation& seen);

  /// Judges the bit rates over the whole run.
  void finish();

  /// URLs of the media playlists, except those of I-frames. Without a multivariant playlist: that of the one media
  /// playlist, once it was seen.
  std::vector<std::string> renditions() const;

  /// URLs of the I-frame playlists.
  const std::vector<std::string>& i_frame_playlists() const noexcept {
    return i_frames_;
  }

  /// The last playlist of a rendition, with the segments that a delta update skipped. Null before the first one.
  const media_playlist* latest(const std::string& rendition) const;

private:
  struct rendition_state {
    rendition_state(verdict& to, const std::string& place) : place(place), history(to, place), samples(to, place) {}

    std::string place;
    hls_history history;
    hls_samples samples;
    bool listed = false; ///< in the multivariant playlist
    bool subtitles = false;
    bool sound = false;
    seconds seen_at{}; ///< when `history` got its last playlist
  };

  rendition_state& state_of(const std::string& rendition);
  void check_common(rendition_state& of, const media_playlist& x);
  void check_reports(const std::string& rendition, rendition_state& of, const observation& seen);
  void check_step(rendition_state& of, const observation& seen);
  double target_of(const rendition_state& x) const;

  /// What the first playlist states and all others have to repeat.
  struct shared {
    std::string text;
    std::string place;
  };

  verdict& to_;
  std::string multivariant_url_;
  multivariant_playlist multivariant_;
  std::vector<std::string> i_frames_;
  std::map<std::string, std::unique_ptr<rendition_state>> renditions_; ///< by URL
  std::map<std::string, shared> shared_;                               ///< by rule
  /// Dates and places of the video segments and of the audio segments, by segment number.
  std::array<std::map<uint64_t, std::pair<double, std::string>>, 2> dates_;
  std::map<uint64_t, std::pair<uint64_t, std::string>> discontinuities_; ///< by segment number
};

} // namespace troupe::bench::delivery
