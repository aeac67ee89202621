// Where the timeline of one pull of a source meets that of the next.
//
// A source that is pulled again begins anywhere: at zero, at the time of day, or where it would be had it never been away. Whoever reads on must
// see one timeline that never steps back, with picture and sound as far apart as the source has them. So everything is moved by one
// amount, which is known when every track has shown where it begins; until then packets wait, a second of media at most, or longer for the pictures
// of a source that may be known by them. A source whose own times
// go on is not moved, and the time that it was away remains a gap. One that sends again what was there already (a server's burst, the window of a
// playlist) is known by that, goes back to where it was, and gives only what is new.
#pragma once

#include "encoder/track.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace troupe::av {

class timeline_joint {
public:
  /// A source that begins this much (ticks) or less behind where the earlier pull ended has kept its timeline.
  static constexpr int64_t gap_max = 10 * 90'000;

  /// What waits for the first packets of other tracks, in ticks from the first to the last, packets and bytes.
  static constexpr int64_t wait_max = 90'000;
  static constexpr size_t packets_max = 4096;
  static constexpr size_t bytes_max = 16 << 20;

  /// The earliest DTS that may come, in ticks; `no_pts` for a first pull, whose packets pass as they are.
  explicit timeline_joint(int64_t resume_from);

  /// Takes the next packet (its reference) of a source with so many tracks. Its DTS is set. The first packet of the track that is awaited is waited for as
  /// long as `gap_max`: by that the source may be known again.
  void add(AVPacket& packet, size_t tracks, std::optional<size_t> awaited = {});

  /// True while it is not known where the source goes on.
  bool is_open() const noexcept {
    return !settled_;
  }

  /// The source is known again: it is moved by `shift`, and what is not after these decoding times (by track) was there already. Only while it is open.
  void go_on(int64_t shift, std::vector<int64_t> passed);

  /// True for a source that is known again and has given nothing new yet.
  bool repeats() const noexcept {
    return goes_on_ && passed_.empty();
  }

  /// By how much packets are moved, in ticks.
  int64_t shift() const noexcept {
    return shift_;
  }

  /// The source has ended: nothing waits any longer.
  void finish();

  /// Moves the next packet that is ready into `packet`; false where there is none. The first one of each track of a pull that resumes has
  /// `packet_flag_discontinuity`, or, of a source that goes on, the very first one `packet_flag_continues`. What would come before the joint, of tracks that show up late, is dropped.
  bool next(AVPacket& packet);

private:
  void settle();

  bool is_repeated(const AVPacket& packet) const;

  int64_t resume_from_;
  bool settled_;
  bool goes_on_ = false;
  std::vector<int64_t> until_; ///< decoding times by track, of a source that goes on
  int64_t shift_ = 0;
  int64_t first_dts_ = no_pts;
  int64_t newest_dts_ = no_pts;
  size_t held_bytes_ = 0;
  std::vector<bool> seen_;   ///< tracks that came in
  std::vector<bool> passed_; ///< tracks that went out
  std::deque<packet_ptr> held_;
};

} // namespace troupe::av
