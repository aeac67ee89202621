// The arithmetic behind the demuxer's unbroken timeline. It maps numbers to numbers, and uses no packet, file or clock.
//
// A source's times are mapped by a shift. Each span over which the shift holds is an *epoch*. When a track's time
// jumps, its packet opens a new epoch whose shift continues the track without a step. The other tracks see the same
// jump a little earlier or later in the file; they find that the new epoch explains their times too, and join it. So
// nothing is shifted twice. A track that was silent before the jump resumes at the source's present position, not at
// its own end: the gap stays, and sound and picture keep their distance. A single wild timestamp opens an epoch that no
// other track joins, and its track returns to the old epoch with the next packet. A wrap of the container's counter is
// no jump: of all values that a wrapped time can stand for, the one nearest to the track's position is taken.
#pragma once

#include "encoder/track.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe::av {

/// What the timeline has to know about a track. All ticks are of `time_base`.
struct timeline_track {
  bool audio = false;
  int sample_rate = 0;  ///< Hz; 0 leaves audio off the grid
  int64_t rounding = 1; ///< ticks to which the container rounds a time
  AVRational frame_rate{0, 1};
  int reorder_frames = 0;     ///< frames by which decoding order may run ahead of presentation
  int picture_order_step = 2; ///< increase of the picture order count from frame to frame: 2 in H.264, 1 in HEVC
  bool order_times = false;   ///< a DTS without a PTS counts frames in presentation order (AVI)
  int64_t wrap = 0;           ///< ticks after which the container's counter wraps; 0 for never
};

/// A packet's times in the container, in ticks; `no_pts` if it has none.
struct source_times {
  int64_t pts = no_pts;
  int64_t dts = no_pts;
  int64_t duration = 0;
  int64_t samples = 0;                  ///< audio: samples in the packet; 0 if unknown
  std::optional<int64_t> picture_order; ///< video: the coded position in presentation order
  bool picture_order_reset = false;     ///< the picture order count restarts with this packet
  bool hidden = false;                  ///< decoded but not shown: an edit list hides it
};

/// A packet's place on the timeline. `dts <= pts`, and `dts` is greater than that of the track's packet before. Hidden
/// packets do not change the places of others.
struct placement {
  int64_t pts = no_pts;
  int64_t dts = no_pts;
  int64_t duration = 0;
  bool discontinuity = false; ///< the source's times were broken before this packet
};

class timeline {
public:
  struct limits {
    int64_t jump =
      10 * 90'000; ///< a step forward of more than this, which no other track shares, is a jump; less is a gap
    int64_t step_back = 90'000 / 10;    ///< a step back of more than this is a jump; less is sloppy multiplexing
    int64_t interleave = 90'000;        ///< by how much tracks may disagree about the target of a jump
    int64_t start_spread = 30 * 90'000; ///< by how much the first packets of two tracks may differ
    /// A picture's PTS from the source is never changed: DTS that do not fit are changed instead, and need not be
    /// monotone.
    bool keep_presentation = false;
  };

  timeline() = default;
  explicit timeline(limits x) : limits_{x} {}

  /// Returns the index of the new track.
  size_t add_track(const timeline_track& x);

  /// Another stream continues the track: its properties change, its position does not.
  void change_track(size_t track, const timeline_track& x);

  /// The place of the next packet of `track`, in the source's order. Nothing if a packet cannot be placed: no timestamp
  /// at the start of a track without frame rate, or audio that lies wholly before audio already placed.
  std::optional<placement> place(size_t track, const source_times& x);

  /// The source begins again from its start: its earliest frame follows the end of its longest track.
  void restart();

  /// For a timeline without packets yet: the first one is near `ticks`. This decides what a wrapped counter stands for.
  void begin_near(int64_t ticks);

  /// Jumps so far, restarts not counted.
  uint64_t jumps() const noexcept {
    return jumps_;
  }

private:
  struct epoch {
    uint64_t id = 0;
    int64_t shift = 0;
    int64_t last_used = 0; ///< timeline
  };

  struct track_state {
    timeline_track config;
    bool fresh = true; ///< nothing placed since the start or restart
    bool started = false;
    bool broken = false; ///< the next packet placed is the first after a jump
    uint64_t epoch = 0;
    int64_t shown_from = no_pts; ///< the earliest time placed that is not hidden
    int64_t last_dts = 0;
    int64_t next_dts = 0;
    int64_t lag = 0;            ///< the most by which its packets come behind those of other tracks
    int64_t frame_ticks = 0;    ///< the last known duration of a video frame
    std::vector<int64_t> order; ///< presentation times of the frames that are ahead of decoding, ascending
    // video: from picture orders to presentation times
    bool ordered = false;
    int64_t order_reference = 0;
    int64_t order_reference_pts = 0;
    int64_t max_end = 0; ///< the latest end of a frame
    // audio: the sample grid
    bool anchored = false;
    int64_t anchor = 0;
    int64_t samples = 0;
    /// The time of the first packet while it is the only one, if its container gave no duration.
    int64_t unsure = no_pts;
  };

  /// Maps `raw` with `shift` to the equivalent nearest to `near`.
  static int64_t map(int64_t raw, int64_t shift, int64_t wrap, int64_t near);
  epoch* find(uint64_t id);
  int64_t due(const track_state& track, int64_t expected) const;
  epoch& choose(const track_state& track, int64_t raw, int64_t expected, int64_t slack);
  epoch& choose_first(const track_state& track, int64_t raw, int64_t expected);
  epoch& open_epoch(const track_state& track, int64_t raw, int64_t expected);
  bool is_before_shown(const track_state& track, const source_times& x);
  std::optional<placement> place_audio(track_state& track, int64_t at, const source_times& x, placement result);
  placement place_video(track_state& track, const source_times& x, placement result);
  int64_t presentation_from_order(const track_state& track, const source_times& x, int64_t dts) const;
  int64_t decoding_from_order(track_state& track, int64_t pts) const;

  limits limits_;
  std::vector<track_state> tracks_;
  std::vector<epoch> epochs_{epoch{}};
  uint64_t next_epoch_ = 1;
  uint64_t jumps_ = 0;
  bool any_ = false;
  int64_t position_ = 0; ///< the latest decoding time on any track
  bool pass_any_ = false;
  int64_t pass_start_ = 0; ///< the earliest presentation time since the start or restart
  int64_t pass_end_ = 0;   ///< the latest end since then
  int64_t pass_shift_ = 0; ///< the shift of the pass's first epoch
};

} // namespace troupe::av
