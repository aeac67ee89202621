// Watches what clients get and reports a broken promise. The promise: each picture and each frame of sound that the
// session took from its source reaches the clients of each rendition once, in order, with rising decoding times, from
// the first random-access point on. A hole is a fault unless the session itself has counted the pictures in it as lost.
#pragma once

#include "test/sim/clockwork.hpp"

#include "core/plan.hpp"
#include "messages/media.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe::sim {

/// What one session has taken from its source.
class source_record {
public:
  /// The session is about to be given the block; `accepted` or `refused` follows.
  void offer(const sample_block& block);
  void accepted();
  void refused();

  /// The frame that follows the one at `pts` in presentation order, or in decoding order; `no_timestamp` if there is
  /// none yet.
  int64_t after(uint16_t track, int64_t pts, bool decoding_order) const;

  bool has(uint16_t track, int64_t pts) const {
    return tracks_[track].shown.contains(pts);
  }

  /// The number of frames in (`from`, `to`), in decoding order or in presentation order.
  uint64_t between(uint16_t track, int64_t from, int64_t to, bool decoding_order) const;

  /// The frame's position in decoding order.
  size_t place(uint16_t track, int64_t pts) const {
    return tracks_[track].place.at(pts);
  }

  /// The latest presentation time.
  int64_t newest(uint16_t track) const {
    auto& shown = tracks_[track].shown;
    return shown.empty() ? no_timestamp : *shown.rbegin();
  }

private:
  struct track {
    std::set<int64_t> shown;
    std::vector<int64_t> decoded;
    std::map<int64_t, size_t> place; ///< in `decoded`
    int64_t newest_dts = no_timestamp;
  };

  track tracks_[2];
  std::vector<sample> offered_; ///< the block's samples that are new
  bool again_ = false;          ///< some of the block's samples were there before
};

/// Frames of a rendition that no attempt could make.
struct lost_frames {
  uint64_t pictures = 0;
  uint64_t sound = 0;

  bool operator==(const lost_frames&) const = default;
};

/// Checks one rendition, from its opening to its end.
class referee {
public:
  referee(std::string name, const source_record& source, core::variant_plan plan);

  /// A block has reached the clients.
  void delivered(const sample_block& block);

  /// True if a frame has arrived, but not all frames before it.
  bool has_hole() const noexcept;

  /// Call it after each event that leaves a hole. `counted` are the frames that no attempt could make, as the session
  /// reports them.
  void check(lost_frames counted);

  /// Call it when everything works again: checks that exactly the counted frames were lost.
  void check_settled(lost_frames counted) const;

  /// The presentation time up to which clients have every frame.
  int64_t complete_to(track_kind kind) const;

  uint64_t frames() const noexcept {
    return frames_;
  }

private:
  struct output {
    uint16_t source = 0; ///< track
    bool copied = false;
    bool begun = false;
    int64_t last = no_timestamp; ///< everything up to this time has arrived
    int64_t dts = no_timestamp;
    std::set<int64_t> ahead;
  };

  void close_up(output& o);

  std::string name_;
  const source_record& source_;
  std::vector<output> outputs_;
  bool joinable_ = false; ///< there was a random-access point
  uint64_t frames_ = 0;
  lost_frames lost_;
};

} // namespace troupe::sim
