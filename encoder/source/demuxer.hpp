// A source as a stream of packets on one unbroken 90 kHz timeline.
//
// The demuxer opens the inputs of libavformat (files, HTTP(S)-TS, HLS, RTMP, UDP, SRT, RTSP), finds the tracks, and
// returns packets in decoding order. It repairs the faults of sources once, so that no later stage has to:
// - timestamps are rescaled to 1/90000 s and unwrapped to 64 bits; after a jump (discontinuity, looped file) the
//   timeline continues without a step, all tracks by the same shift, and the first packet of each track after it is
//   flagged;
// - a missing DTS is made from the PTS; a missing PTS from the picture order, the reorder depth and the frame rate; DTS
//   is strictly monotone per track, and never after the PTS;
// - audio timestamps are put on the exact sample grid: the n-th sample after an anchor is at round(n * 90000 / rate),
//   so every reader computes the same sample position from a timestamp (rates up to 90 kHz); an error above
//   max(container's rounding, min(half a frame, 10 ms)) is a gap or overlap, and sets a new anchor;
// - H.264 and HEVC come in Annex B form with their parameter sets before each random-access point, MPEG-2 with its
//   sequence header;
// - packets that an edit list hides are flagged `AV_PKT_FLAG_DISCARD`, because other pictures may need them for
//   decoding; before the first shown picture they have their own times, afterwards they directly follow the packet
//   before them;
// - video packets before the first random-access point are dropped and counted; corrupt packets are counted and passed
//   on flagged; a file without any such point, or a live video without one within 15 s of media time, is `errc::media`;
//   in a file, the first H.264 intra picture is such a point;
// - one program is read: the best video and all its audio (up to a limit); subtitle and splice streams are returned
//   beside them, if asked for, and no other data stream is;
// - times keep the source's own origin; those of files may begin a little below zero (encoder priming, reordering);
// - an H.264 video that begins with an intra picture starts there; if a live one marks no random-access point for 5 s,
//   its intra pictures count as such points;
// - audio that an edit list cuts away is removed; pictures that it cuts away but others need come with
//   `AV_PKT_FLAG_DISCARD` and take no time.
//
// If many processes work on pieces of one file, all must see the same times. Reading from the start guarantees that:
// each repair depends only on earlier packets. `seek` is for files whose times do not depend on earlier packets:
// `source_counters::displaced_packets` is zero after one pass over the whole file.
#pragma once

#include "encoder/error.hpp"
#include "encoder/track.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace troupe::av {

struct source_access;

struct source_options {
  std::string url;
  bool loop = false; ///< at the end of a file, start again; the timeline continues by the length of the longest track
  /// A picture's PTS is always the container's; if DTS do not fit, the DTS are changed and need not be monotone. For
  /// files, whose pictures are counted.
  bool keep_times = false;
  /// For a file whose times are known from an earlier pass (`source_stream::grid`): the video's times are put on this
  /// grid.
  std::optional<frame_grid> grid{};
  std::chrono::milliseconds open_timeout{10'000};
  std::chrono::milliseconds first_byte_timeout{
    0}; ///< until the first byte, for a source with one connection; 0: `open_timeout`
  std::chrono::milliseconds read_timeout{10'000}; ///< `errc::timeout` if nothing is read for this long
  size_t streams_max = 1000; ///< more streams than this, fonts and covers included, are `errc::limit`
  size_t tracks_max = 16;    ///< at most this many audio and video tracks are read
  /// Opens nothing but the URL itself, and connects to no other host and port: a file that names other places, such as
  /// a playlist, is not media. For URLs of ours, which get a secret; `access` then does not apply.
  bool one_file = false;
  /// What the source may reach; null: everything.
  std::shared_ptr<const source_access> access{};
  /// Which subtitle and data streams are read beside the tracks; null: none. See `demuxer::companions`.
  bool (*companions)(AVCodecID) = nullptr;
  /// For libavformat; a name that is not on the allow list is `errc::option`.
  std::map<std::string, std::string> options;
};

struct source_counters {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint64_t corrupt_packets = 0;
  uint64_t dropped_packets = 0; ///< before the first random-access point, or without a usable timestamp
  uint64_t discontinuities = 0;
  /// The latest shift added to the video's own times (to the source's, if it has no video), in ticks.
  int64_t shift = 0;
  uint64_t displaced_packets = 0; ///< video packets moved away from the container's own PTS, or without one
};

class demuxer {
public:
  /// Opens the source and finds its tracks. Blocks for at most `open_timeout` (libav*'s own probing included). If
  /// another thread sets `stop`, any call ends early with `errc::interrupted`. `stop` must outlive the demuxer.
  static expected<demuxer> open(source_options options, const std::atomic<bool>& stop);

  demuxer(demuxer&&) noexcept;
  demuxer& operator=(demuxer&&) noexcept;
  ~demuxer();

  /// The audio and video tracks: a packet's `stream_index` is an index here. Grows when the source adds a stream; never
  /// shrinks. If the source replaces a stream (other PIDs, another program, another codec), the track continues with
  /// the new one. New sound is then returned only after the video's next random-access point, whatever its times, so
  /// that sound and video change at one point.
  const std::vector<track>& tracks() const noexcept;

  /// Describes the source's other streams: kind, codec, number, language, program. Cover pictures are not among them.
  std::vector<std::string> left_out() const;

  /// The program's streams that were asked for besides the tracks: subtitles, splice information (SCTE 35). Their list
  /// changes with `changes`.
  const std::vector<track>& companions() const noexcept;

  /// Moves the next packet of a companion that was read into `packet`; `stream_index` is an index into `companions`.
  /// False if there is none. DTS (ticks) says when it came in relation to the tracks; it may step back. PTS says when
  /// it counts: a splice section has the time of its splice. No flag is set.
  bool take_companion(AVPacket& packet);

  /// Number of streams that libavformat has found, whether they are tracks or not.
  size_t streams() const noexcept;
  /// How often `tracks` has changed. If the number grew during a `read`, the packet returned is the first of the new
  /// tracks.
  uint64_t changes() const noexcept;

  /// Moves the next packet into `packet`. Returns false at the end of the source. A packet has a PTS and a DTS, a
  /// duration if one is known, `AV_PKT_FLAG_KEY` exactly at random-access points, and reference-counted data.
  expected<bool> read(AVPacket& packet);

  /// Drops this track's packets from now on. They are not even read if the container allows that.
  void ignore(size_t track);

  /// Goes to a random-access point of the video at or before `pts`, as near as the container allows. The next video
  /// packet is that point; other tracks' packets start near it, on a new sample grid. Returns false if the source
  /// cannot seek: its position is then unknown, and another demuxer has to read from the start.
  expected<bool> seek(int64_t pts);

  /// libavformat's view of the source: streams (by `track::stream`), metadata, chapters. Valid as long as the demuxer.
  const AVFormatContext& format() const noexcept;

  /// True for sources that deliver at their own pace (network streams that cannot seek). False for files, which a live
  /// channel has to pace.
  bool is_live() const noexcept;

  /// For a live source at its end: true if a playlist says that it is over. Any other end is a lost connection.
  bool is_over();

  /// True if the sender waits while the demuxer does not read.
  bool can_wait() const noexcept;

  /// How long a read may take before it fails with `errc::timeout`.
  std::chrono::milliseconds silence_max() const noexcept;

  const source_counters& counters() const noexcept;

private:
  struct impl;
  explicit demuxer(std::unique_ptr<impl> ptr);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::av
