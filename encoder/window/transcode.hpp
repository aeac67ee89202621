// The window: every encode of this product is one object of this class.
//
// A transcode covers a window of one source's timeline, or one window for each track. Packets of the source go in,
// packets of the rendition come out. Any partition of the timeline into windows gives the same output frames as a
// single window: each video and audio frame exactly once, with the same timestamp.
//
// These rules make that hold:
// - The caller feeds video from the last random-access point at or before `preroll_from()`, or from the source's first
//   one. It feeds every audio packet from `preroll_from()` on, also those that the source sent before that point.
//   Feeding more is harmless. Frames before the window are dropped. So are leading pictures of an open GOP that cannot
//   be decoded correctly.
// - Output times are on grids that do not depend on the window's start. A video frame keeps its source time, or is on
//   the grid m / frame_rate counted from timeline zero. An audio frame k covers output samples [k * frame_size, (k + 1)
//   * frame_size) counted from timeline zero. Deinterlacer, frame rate converter and resampler are warmed up before the
//   window.
// - An audio encoder is primed with the frames before the window, whose output is dropped, so there is no click at a
//   joint.
// - The first video packet of a window is a random-access point with its parameter sets.
// - A frame belongs to the window that contains its (output) presentation timestamp: packets carry it unchanged.
// - A copied packet belongs to the window that contains its DTS. Joined windows are the source's own bit stream again,
//   so a joint needs no random-access point. Copied video begins at one only if the window has no start time.
//
// An encoder that reorders pictures delivers some before others that are shown earlier. Whenever it has caught up, the
// group is *closed*: on each track, all packets up to some time are delivered, and another transcode can continue from
// there. Packets are then marked `packet_flag_closed`.
//
// Corrupt packets, decode errors, gaps, and changes of resolution, pixel format, sample rate or layout in mid-stream
// are counted and survived: the filters are rebuilt, the output keeps its format. Audio gaps are filled with silence
// and overlaps trimmed, so audio keeps to its timestamps as long as the source runs. Video gaps stay gaps unless a
// frame rate is set.
//
// While a live source is away, `fill` continues the windows without it. Stills come at the output's frame rate, counted
// from the last picture, and silence on the grid of audio frames. So this output, too, is the same for every partition.
#pragma once

#include "encoder/codec/engine.hpp"
#include "encoder/codec/shared_decoder.hpp"
#include "encoder/settings.hpp"
#include "encoder/track.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace troupe::av {

// A track with splice information (SCTE 35) is never part of the output. Its packets tell where random-access points
// must be: a splice that is known before its picture is encoded begins with one. When the source has been away, splices
// that are still to come must be sent again.

/// The plan for one source track.
struct copy_track {};
struct drop_track {};
using track_plan = std::variant<copy_track, drop_track, video_settings, audio_settings>;

struct transcode_counters {
  uint64_t packets_in = 0;
  uint64_t frames_decoded = 0;
  uint64_t frames_encoded = 0;
  uint64_t packets_out = 0;
  uint64_t pictures = 0;        ///< pictures inside the window, as the decoder makes them
  uint64_t damaged = 0;         ///< those of `corrupt_packets` that are inside the window
  uint64_t corrupt_packets = 0; ///< packets that a decoder refused or decoded with errors
  uint64_t discontinuities = 0;
  uint64_t filled_samples = 0;  ///< audio samples of silence put into gaps
  uint64_t trimmed_samples = 0; ///< audio samples dropped from overlaps
};

/// Receives the output of a transcode. Called from within `open`, `send` and `finish`, on the caller's thread.
///
/// Packets of several tracks come in the order of their DTS as far as that delays no picture. Sound waits for pictures
/// that their encoder still holds: at most 10 s, and only if the source's own pictures keep coming. Pictures never
/// wait.
class transcode_sink {
public:
  virtual ~transcode_sink() = default;

  /// Called once, before the first packet, when the format of every output track is known. Output tracks are the source
  /// tracks that are not dropped, in the source's order.
  virtual void on_format(const std::vector<track>& tracks) = 0;

  /// `packet.stream_index` is an index into the output tracks. PTS, DTS (monotone per track) and duration are in
  /// `time_base`. `AV_PKT_FLAG_KEY` marks random-access points, `packet_flag_closed` the ends of closed groups. The
  /// sink may move the packet's reference away.
  virtual void on_packet(AVPacket& packet) = 0;
};

/// Legal calls: `open`, then `send` and `fill` any number of times, then `finish` once. After an error only destruction
/// is legal.
class transcode {
public:
  /// Checks the plan against the tracks (one entry per track) and opens the decoders. Settings are checked here as far
  /// as possible; encoders open when the first frame of their input is known. `windows` has an entry per track, or
  /// none: then everything is inside. `sink` and `codecs` must outlive the transcode.
  ///
  /// Transcodes with the same `decoders` decode the pictures of their source once. They are all opened before the first
  /// packet, then each packet or absence is given to all of them before the next one.
  static expected<transcode> open(const std::vector<track>& source, std::vector<track_plan> plan,
                                  std::vector<time_window> windows, transcode_sink& sink,
                                  const engine& codecs = libav_engine(), shared_decoders* decoders = nullptr);

  transcode(transcode&&) noexcept;
  transcode& operator=(transcode&&) noexcept;
  ~transcode();

  /// The time (ticks) from which the caller must feed, starting at the random-access point at or before it. It is
  /// before `from_pts` by as much as the track's decoder, filters and priming need. The lowest int64_t if a track's
  /// window has no start.
  int64_t preroll_from() const noexcept;

  /// Takes one source packet (on the source's timeline, `stream_index` of the source tracks) and delivers the output
  /// that is ready.
  expected<void> send(const AVPacket& packet);

  /// The source is away and has nothing before `to_pts` on any track: fills all encoded tracks up to there. The source
  /// returns at a random-access point whose times are not before that. Copied pictures keep a gap; copied sound is
  /// filled in codecs whose silence can be made (see encoder/codec/silent_packet.hpp).
  expected<void> fill(int64_t to_pts);

  /// Lowers the end of every track's window that ends later. `errc::option` if a frame or packet at or after `to_pts`
  /// was encoded or copied already: then nothing changes.
  expected<void> end_at(int64_t to_pts);

  /// True if every frame of the windows has been delivered: further packets change nothing.
  bool complete() const noexcept;

  /// Flushes decoders, filters and encoders, and delivers their remaining output.
  expected<void> finish();

  const transcode_counters& counters() const noexcept;

private:
  struct impl;
  explicit transcode(std::unique_ptr<impl> ptr);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::av
