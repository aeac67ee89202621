// A source as a stream of packets on one unbroken 90 kHz timeline.
//
// The demuxer opens what libavformat can read (files, HTTP(S)-TS, HLS, RTMP, UDP, SRT, RTSP), finds the tracks, and
// returns packets in decoding order. What sources do wrong is mended here, once, so that nothing behind it needs to
// care:
// - timestamps are rescaled to 1/90000 s and unwrapped to 64 bits; after a jump (discontinuity, looped file) the
//   timeline goes on where it was, all tracks by the same shift, and the first packet of each track after it is
//   flagged;
// - a missing DTS is made from the PTS, a missing PTS from the coded picture order, the reorder depth and the frame
//   rate; DTS is strictly monotone per track, and never after the PTS;
// - audio timestamps are put on the exact sample grid: the n-th sample after an anchor is at round(n * 90000 / rate),
//   so that every reader computes the same sample position from a timestamp (rates up to 90 kHz); an error of more
//   than half a frame or 10 ms, whichever is less, but at least the container's rounding, is a gap or overlap: a new
//   anchor;
// - H.264 and HEVC come in Annex B form with their parameter sets in-band before each random-access point, MPEG-2
//   with its sequence header;
// - packets that an edit list leaves out of what is shown come flagged `AV_PKT_FLAG_DISCARD`: others need them to be decoded. Before the first picture
//   that is shown they have their own times, afterwards they are right behind the packet before them;
// - video packets before the first random-access point are dropped and counted; corrupt packets are counted and
//   passed on flagged. A video that shows none to its end, or, live, within 15 s of media time, is `errc::media`. In a file the first
//   intra picture of H.264 is such a point. One program is read: the best video and all its audio (up to a limit). Subtitle and data streams are not
//   returned. Times keep the source's own origin; those of files may begin a little below zero (encoder priming,
//   reordering);
// - a video of H.264 that begins with a picture without references begins there, and where a live one marks no random-access point for 5 s, such
//   pictures are taken for some;
// - what an edit list cuts away is not sound; pictures of it that others need come with `AV_PKT_FLAG_DISCARD`, and take no time.
//
// A file that is worked on in pieces, by many processes, must have the same times in each of them. Read from its start it has:
// what is mended depends on what was read before, and on nothing else. `seek` is for the files whose times need no
// memory: `source_counters::displaced_packets` is zero after one pass over all of such a file.
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

struct source_options {
  std::string url;
  bool loop = false; ///< at the end of a file start again; the timeline goes on by the length of the longest track
  /// A picture's time is what the container says, always, and the decoding times are what gives way: they need not rise then. For files, whose
  /// pictures are counted.
  bool keep_times = false;
  /// Of a file whose times are known from an earlier pass (`source_stream::grid`): the video's are put on it.
  std::optional<frame_grid> grid{};
  std::chrono::milliseconds open_timeout{10'000};
  std::chrono::milliseconds first_byte_timeout{
    0}; ///< of a source that is one connection: until its first byte; 0 for as long as `open_timeout`
  std::chrono::milliseconds read_timeout{10'000}; ///< nothing read for this long is `errc::timeout`
  size_t streams_max = 1000;                      ///< more than this, fonts and covers included, is `errc::limit`
  size_t tracks_max = 16;                         ///< of its sounds and pictures, no more than so many are read
  /// Nothing is opened but the URL itself: what names other places, as playlists do, is no media.
  bool one_file = false;
  std::map<std::string, std::string> options; ///< for libavformat; names beyond the allow list are `errc::option`
};

struct source_counters {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint64_t corrupt_packets = 0;
  uint64_t dropped_packets = 0; ///< before the first random-access point, or without any usable timestamp
  uint64_t discontinuities = 0;
  int64_t shift = 0; ///< what was added last to the own times of a video, or of a source without one, ticks
  uint64_t displaced_packets =
    0; ///< video packets that are not where the container's own PTS puts them, or that have none
};

class demuxer {
public:
  /// Opens the source and finds its tracks. Blocks for at most `open_timeout` (libav*'s own probing included); `stop`
  /// set by another thread ends any call early with `errc::interrupted`. `stop` must outlive the demuxer.
  static expected<demuxer> open(source_options options, const std::atomic<bool>& stop);

  demuxer(demuxer&&) noexcept;
  demuxer& operator=(demuxer&&) noexcept;
  ~demuxer();

  /// The audio and video tracks: a packet's `stream_index` is an index here. Grows when the source adds a stream;
  /// never shrinks. A track goes on with another stream where the source does (other PIDs, another program, another codec). Sound that is
  /// another from then on comes behind the picture's next random-access point, whatever its times, so that all changes there.
  const std::vector<track>& tracks() const noexcept;

  /// The source's other streams, for people: kind, codec, number, language, program. Pictures that stand for a file's cover are not among them.
  std::vector<std::string> left_out() const;

  /// Streams that libavformat has found, tracks or not.
  size_t streams() const noexcept;
  /// How often `tracks` has changed: a greater number than before a `read` says that the packet it returned is the first of the new ones.
  uint64_t changes() const noexcept;

  /// Moves the next packet into `packet`. Returns false at the end of the source. A packet has a PTS and a DTS, a
  /// duration where one is known, `AV_PKT_FLAG_KEY` exactly at random-access points, and reference-counted data.
  expected<bool> read(AVPacket& packet);

  /// This track's packets are wanted no more: they are not even read where the container allows that.
  void ignore(size_t track);

  /// Goes to a random-access point of the video at or before `pts`, near it as far as the container can tell. The first video packet read afterwards
  /// is that point; other tracks' packets come from about there, their sample grid anew. False where the source cannot: where it is then is not known, and another
  /// demuxer has to read from the start.
  expected<bool> seek(int64_t pts);

  /// What libavformat knows of the source: streams (by `track::stream`), metadata, chapters. Valid as long as the demuxer.
  const AVFormatContext& format() const noexcept;

  /// True for sources that deliver at their own pace (network streams that cannot seek); false for files, which a
  /// live channel has to pace.
  bool is_live() const noexcept;

  /// For a live source at its end: whether that is the end, as a playlist says. Any other end is that of a connection.
  bool is_over();

  /// True where the other end waits while nobody reads.
  bool can_wait() const noexcept;

  /// How long a read may take before it is `errc::timeout`.
  std::chrono::milliseconds silence_max() const noexcept;

  const source_counters& counters() const noexcept;

private:
  struct impl;
  explicit demuxer(std::unique_ptr<impl> ptr);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::av
