// Joins the timeline of one pull of a source to that of the next.
//
// A source that is pulled again may begin anywhere: at zero, at the time of day, or as if it had never been away.
// Readers must see one timeline that never steps back, with the source's own distance between picture and sound. So
// everything is moved by one amount, which is known when every track has shown its start. Until then packets wait: for
// at most a second of media, or 10 s (`gap_max`) while the pictures that may identify the source are missing. A source
// whose own times continue is not moved, and its absence remains a gap. A source may repeat what it sent before (a
// server's burst, the window of a playlist). If it is recognised, it is moved back to its old position, and only new
// packets pass.
#pragma once

#include "encoder/track.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace troupe::av {

class timeline_joint {
public:
  /// A source that begins at most this much (ticks) behind the end of the earlier pull has kept its timeline.
  static constexpr int64_t gap_max = 10 * 90'000;

  /// Limits for packets that wait for the first packets of other tracks: ticks from first to last, packets, bytes.
  static constexpr int64_t wait_max = 90'000;
  static constexpr size_t packets_max = 4096;
  static constexpr size_t bytes_max = 16 << 20;

  /// The earliest DTS that may come, in ticks; `no_pts` for a first pull, whose packets pass unchanged.
  explicit timeline_joint(int64_t resume_from);

  /// Takes the next packet (its reference) of a source with `tracks` tracks. Its DTS is set. Packets wait up to
  /// `gap_max` for the first one of the track `awaited`, because it may show where the source continues.
  void add(AVPacket& packet, size_t tracks, std::optional<size_t> awaited = {});

  /// True until it is known where the source resumes.
  bool is_open() const noexcept {
    return !settled_;
  }

  /// The source is recognised: it is moved by `shift`, and packets up to these decoding times (by track) are repeats.
  /// Call it only while `is_open`.
  void go_on(int64_t shift, std::vector<int64_t> passed);

  /// True for a recognised source that has sent nothing new yet.
  bool repeats() const noexcept {
    return goes_on_ && passed_.empty();
  }

  /// The amount by which packets are moved, in ticks.
  int64_t shift() const noexcept {
    return shift_;
  }

  /// The source has ended: no packet waits any longer.
  void finish();

  /// Moves the next packet that is ready into `packet`; false if there is none. After a resumed pull, the first packet
  /// of each track has `packet_flag_discontinuity`. In a recognised source, the very first packet has
  /// `packet_flag_continues` instead. Packets of late tracks that would come before the joint are dropped.
  bool next(AVPacket& packet);

private:
  void settle();

  bool is_repeated(const AVPacket& packet) const;

  int64_t resume_from_;
  bool settled_;
  bool goes_on_ = false;
  std::vector<int64_t> until_; ///< decoding times by track, of a recognised source
  int64_t shift_ = 0;
  int64_t first_dts_ = no_pts;
  int64_t newest_dts_ = no_pts;
  size_t held_bytes_ = 0;
  std::vector<bool> seen_;   ///< tracks with an incoming packet
  std::vector<bool> passed_; ///< tracks with an outgoing packet
  std::deque<packet_ptr> held_;
};

} // namespace troupe::av
