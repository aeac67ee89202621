// Decides which streams of a source become tracks, and when.
//
// One program is read: that of the best video, with all its audio. Without video, that of the best audio. If the
// container says too little about a stream (silent during the analysis, begun in mid-stream, joined in mid-GOP), it is
// probed with its own packets until a decoder knows it.
//
// A track outlives its stream. If another stream replaces the old one (other PIDs, another program, another codec, a
// reopened source), it continues the same track: video as the video, audio in the source's order.
#pragma once

#include "encoder/source/source_context.hpp"
#include "encoder/source/stream_parser.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace troupe::av {

/// How long a video may take to show a random-access point, in ticks of media time: longer than any sensible GOP.
inline constexpr int64_t random_access_wait = 15 * int64_t{time_base.den};
/// The same limit in bytes, for sources whose times are no help.
inline constexpr size_t random_access_bytes = size_t{64} << 20;

/// Legal calls: `find` once, then `next` and `rewind`.
class source_tracks {
public:
  /// At most `tracks_max` audio streams become tracks. For `companions` see `source_options`.
  source_tracks(source_context source, size_t tracks_max, bool (*companions)(AVCodecID))
    : source_{std::move(source)}, tracks_max_{tracks_max}, companion_test_{companions} {}

  /// Chooses the streams. Reads on, and holds the packets, until the parameters of the video (or of an audio stream, if
  /// there is no video) are known.
  expected<void> find(std::chrono::milliseconds timeout);

  /// The next packet of a track, as libavformat has it; `stream_index` is the track's number. False at the end.
  expected<bool> next(AVPacket& out);

  /// Moves the next packet of a companion that `next` has come across; `stream_index` is the companion's number.
  bool take_companion(AVPacket& out);

  /// The program's streams that are read beside the tracks. Their list is another one when the version has grown.
  size_t companions() const noexcept {
    return companions_.size();
  }

  AVStream& companion(size_t index) const noexcept {
    return *source_.format().streams[companions_[index]];
  }

  uint64_t companions_version() const noexcept {
    return companions_version_;
  }

  expected<void> rewind();

  /// See `source_context::seek`; `at` in ticks.
  expected<bool> seek(size_t track, int64_t at);

  /// Drops this track's packets from now on. They are not even read if the container allows that.
  void ignore(size_t track);

  /// Tracks found so far.
  size_t size() const noexcept {
    return found_.size();
  }

  /// How many streams the track has had.
  uint64_t version(size_t track) const noexcept {
    return versions_[track];
  }

  /// False for a track whose stream has ended, until another stream continues it.
  bool has_stream(size_t track) const noexcept {
    return found_[track] >= 0;
  }

  /// The present stream of a track that has one: the stream of the latest packet.
  AVStream& stream(size_t track) const noexcept {
    return *source_.format().streams[found_[track]];
  }

  /// See `demuxer::left_out`.
  std::vector<std::string> left_out() const;

  source_context& source() noexcept {
    return source_;
  }

  /// Packets that probing has lost.
  uint64_t dropped() const noexcept {
    return dropped_;
  }

private:
  enum class stream_state { ignored, pending, active, companion };

  struct stream_entry {
    stream_state state = stream_state::ignored;
    int group = 0;    ///< streams with the same number appeared together
    size_t track = 0; ///< or the number of the companion
    std::unique_ptr<stream_prober> prober;
  };

  bool is_wanted(int index) const;
  bool is_companion(int index) const;
  bool is_in_program(int index) const;
  bool is_waiting() const;
  void select_streams();
  void take_stream(int index);
  void take_late_streams();
  void take_part();
  void activate_known();
  void put_beside(AVPacket& packet);
  bool has_left(int index) const;
  bool comes_back(int index, const AVPacket& data) const;
  void switch_to(int group);
  bool fits(size_t track, int index) const;
  void activate(int index);
  void order();
  expected<void> probe(int index, const AVPacket& data);
  expected<void> resolve(std::chrono::milliseconds timeout);

  source_context source_;
  size_t tracks_max_;
  bool (*companion_test_)(AVCodecID);
  std::optional<int> program_; ///< the program's id, in formats that have programs
  int video_stream_ = -1;
  std::vector<stream_entry> streams_; ///< by libavformat's index
  std::vector<int> found_;            ///< libavformat's indices by track; -1 for one whose stream is gone
  std::vector<AVMediaType> types_;    ///< by track
  std::vector<uint64_t> versions_;    ///< by track
  std::vector<bool> unwanted_;        ///< by track: `ignore` was called for it
  int groups_ = 0;                    ///< the number of the latest group of streams
  uint64_t part_ = 0;                 ///< the source's part that the streams belong to
  std::deque<packet_ptr> held_;       ///< packets read by `find`
  std::vector<int> companions_;       ///< libavformat's indices
  uint64_t companions_version_ = 0;
  std::deque<packet_ptr> beside_; ///< packets of companions that wait to be taken
  uint64_t dropped_ = 0;
};

/// The error for a video that never lets a decoder start. `when` completes the sentence.
tl::unexpected<error> no_random_access(const std::string& source, AVCodecID codec, std::string_view when);

/// True if the source says that a stream cannot be decoded without a key that was not given.
bool is_encrypted(const AVFormatContext& format, const AVStream& stream);
bool is_encrypted(const AVPacket& packet);

/// The error for such a stream.
tl::unexpected<error> encrypted(const std::string& source, const AVStream& stream);

/// Converts `x` to ticks; `no_pts` stays.
int64_t in_ticks(int64_t x, AVRational base);

} // namespace troupe::av
