// The window: every encode of this product is one object of this class.
//
// A transcode covers a window of one source's timeline, in general one for each track. Packets of the source go in, packets of the rendition
// come out, and any partition of the timeline into windows gives the same output frames as one window over all of it: each frame
// exactly once, with the same timestamp, video and audio.
//
// What makes that hold:
// - The caller feeds video from the last random-access point at or before `preroll_from()`, and every audio packet from
//   `preroll_from()` on, also those that the source sent before that point; more is harmless. Where the source has no such point that early, its
//   first one does. What decodes before the window is dropped. Leading pictures of an open GOP that cannot be decoded right are before it, too.
// - Output times lie on grids that do not depend on where the window begins: a video frame keeps its source time, or sits on
//   the grid m / frame_rate counted from timeline zero; an audio frame k covers output samples [k * frame_size, (k + 1) *
//   frame_size) counted from timeline zero. Deinterlacer, frame rate converter and resampler are warmed up before the window.
// - An audio encoder is primed with the frames before the window, whose output is dropped, so a joint carries no click.
// - The first video packet of a window is a random-access point with its parameter sets.
// - A frame belongs to the window that contains its (output) presentation timestamp: packets carry it unchanged.
// - A packet that is copied belongs to the window that contains its DTS. Joined windows are the source's own bit stream again, so a joint needs no
//   random-access point; only a window without a begin starts its video at one.
//
// An encoder that reorders pictures delivers some before others that are shown earlier. Where it has caught up, the group is *closed*: what was
// delivered is, on each track, all up to some time, and another transcode can go on from there. Packets say so: `packet_flag_closed`.
//
// Corrupt packets, decode errors, gaps, changes of resolution, pixel format, sample rate or layout in mid-stream are counted and
// survived: the filters are rebuilt, the output keeps its format. Gaps in audio are filled with silence, overlaps trimmed, so that audio stays
// with its timestamps for as long as the source runs; video gaps stay gaps unless a frame rate is set.
#pragma once

#include "encoder/settings.hpp"
#include "encoder/track.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace troupe::av {

/// What is done with one source track.
struct copy_track {};
struct drop_track {};
using track_plan = std::variant<copy_track, drop_track, video_settings, audio_settings>;

struct transcode_counters {
  uint64_t packets_in = 0;
  uint64_t frames_decoded = 0;
  uint64_t frames_encoded = 0;
  uint64_t packets_out = 0;
  uint64_t pictures = 0;        ///< inside of the window, as the decoder makes them
  uint64_t damaged = 0;         ///< of `corrupt_packets` those inside of the window
  uint64_t corrupt_packets = 0; ///< packets that a decoder refused or that decoded with errors
  uint64_t discontinuities = 0;
  uint64_t filled_samples = 0;  ///< audio samples of silence put into gaps
  uint64_t trimmed_samples = 0; ///< audio samples dropped from overlaps
};

/// Receives what a transcode makes. Called from within `open`, `send` and `finish`, on the caller's thread.
///
/// Packets of several tracks come in the order of their DTS as far as that delays no picture: sound waits for the pictures that their encoder
/// still holds (10 s at most, and not where the source's own pictures stay away), pictures wait for nothing.
class transcode_sink {
public:
  virtual ~transcode_sink() = default;

  /// Called once, before the first packet, when the format of every output track is known. Output tracks are the source tracks that are not
  /// dropped, in the source's order.
  virtual void on_format(const std::vector<track>& tracks) = 0;

  /// `packet.stream_index` is an index into the output tracks. PTS, DTS (monotone per track) and duration are in `time_base`; `AV_PKT_FLAG_KEY` marks
  /// random-access points, `packet_flag_closed` the ends of closed groups. The sink may move the packet's reference away.
  virtual void on_packet(AVPacket& packet) = 0;
};

/// Legal calls: `open`, then `send` any number of times, then `finish` once. After an error only destruction is legal.
class transcode {
public:
  /// Checks the plan against the tracks (one entry per track) and opens the decoders. The encoders open when their input's first frame is known; settings
  /// that can be checked before that are. `windows` has an entry per track, too, or none: then everything is inside. `sink` must outlive the transcode.
  static expected<transcode> open(const std::vector<track>& source, std::vector<track_plan> plan,
                                  std::vector<time_window> windows, transcode_sink& sink);

  transcode(transcode&&) noexcept;
  transcode& operator=(transcode&&) noexcept;
  ~transcode();

  /// The time (ticks) from which on the caller must feed, at the random-access point at or before it, to be right at every window's begin: earlier
  /// than `from_pts` by what the track's decoder, filters and priming need. The lowest int64_t where a track's window has no begin.
  int64_t preroll_from() const noexcept;

  /// Takes one source packet (on the source's timeline, `stream_index` of the source tracks) and delivers what is ready.
  expected<void> send(const AVPacket& packet);

  /// Lowers the end of every track's window that ends later. `errc::option` where something at or after `to_pts` was encoded already, or copied: then
  /// nothing changes.
  expected<void> end_at(int64_t to_pts);

  /// True when every frame of the windows has been delivered: further packets change nothing.
  bool complete() const noexcept;

  /// Flushes decoders, filters and encoders, and delivers the rest.
  expected<void> finish();

  const transcode_counters& counters() const noexcept;

private:
  struct impl;
  explicit transcode(std::unique_ptr<impl> ptr);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::av
