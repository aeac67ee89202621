// The segments of one track of a rendition that players can get now: the playlist's, and those removed from it a short
// while ago. Parts are appended while they are made; bytes are immutable and shared.
//
// Numbers have no gap. If the source left one, the missing segments are listed as such (GAP), so that the numbers of
// the later ones still follow from their times.
#pragma once

#include "messages/media.hpp"
#include "packaging/delivery.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// An init segment, known by a name that follows from its bytes.
struct init_segment {
  std::string name; ///< 16 hexadecimal digits
  shared_bytes bytes;
  std::string codec{};   ///< RFC 6381
  track_format format{}; ///< of the samples that it is for

  static init_segment of(shared_bytes bytes, std::string codec, track_format format);
};

struct media_part {
  int64_t start = 0;        ///< ticks; decoding times, shifted so that each segment begins at its first PTS
  int64_t duration = 0;     ///< ticks
  bool independent = false; ///< begins with a random-access point
  uint64_t key_bytes = 0;   ///< from the beginning to the end of its first picture, if `independent`
  shared_bytes bytes;
  shared_bytes boxed{}; ///< of subtitles, whose `bytes` are text: the same in MP4
};

struct media_segment {
  int64_t number = 0;
  int64_t start = 0;    ///< ticks
  int64_t duration = 0; ///< ticks; of its parts so far until it is complete
  std::vector<media_part> parts;
  std::string init;           ///< name
  bool discontinuity = false; ///< timestamps or formats do not continue from the segment before
  bool gap = false;           ///< there is nothing to load
  bool complete = false;

  uint64_t size() const noexcept;
};

/// A place in a playlist: a segment's number, and perhaps a part's index within it.
struct playlist_place {
  int64_t number = 0;
  std::optional<int64_t> part;
};

class track_window {
public:
  explicit track_window(const delivery_times& times) : times_(times) {}

  /// The first segment comes after so many discontinuities.
  void missed(int64_t discontinuities) noexcept {
    discontinuities_ = discontinuities;
  }

  /// The segment before is complete; the next part belongs to this one. `number` is above that of the segment before.
  void begin(int64_t number, int64_t start, bool discontinuity);

  /// Appends a part to the latest segment. A segment has one init segment: that of its first part.
  void add(media_part x, const init_segment& init);

  /// The latest segment ends at this time, although the next one has not begun.
  void close(int64_t until);

  /// Nothing follows.
  void end();

  // -- views ----------------------------------------------------------------

  const std::deque<media_segment>& segments() const noexcept {
    return segments_;
  }

  /// Index of the first segment that playlists list.
  size_t listed_from() const noexcept {
    return listed_;
  }

  /// Discontinuities before the first listed segment.
  int64_t discontinuities_before() const noexcept {
    return discontinuities_;
  }

  /// A run of segments without a discontinuity.
  struct run {
    int64_t number = 0; ///< of its first segment; 0 if no discontinuity was before it
    int64_t start = 0;  ///< of that, ticks
  };

  /// The run of the first listed segment. Its beginning may have left the playlist.
  const run& first_run() const noexcept {
    return run_;
  }

  bool ended() const noexcept {
    return ended_;
  }

  /// True if at least one segment is complete.
  bool has_segment() const noexcept;

  /// The place of the latest part; none before the first one.
  std::optional<playlist_place> latest() const;

  /// The expected place of the next part, judged by the end of the latest one; none before `begin` or after `end`.
  std::optional<playlist_place> next() const;

  /// True if the playlist contains the place, or a later one. A place without a part means the complete segment. A part
  /// after a complete segment's last part means the first part of the next segment.
  bool contains(const playlist_place& x) const;

  const media_segment* find(int64_t number) const;

  /// The number of the segment that begins at about this time, in ticks: one that is known, or the next.
  int64_t number_at(int64_t start) const;

  const init_segment* init(const std::string& name) const;

  /// The highest bit rate of a complete segment, and the mean of all; bit/s, 0 if none is complete.
  int64_t peak_bit_rate() const noexcept {
    return std::max(peak_, mean_bit_rate());
  }

  int64_t mean_bit_rate() const noexcept {
    return ticks_ == 0
             ? 0
             : static_cast<int64_t>(static_cast<double>(bytes_) * 8 * ticks_per_second / static_cast<double>(ticks_));
  }

private:
  void complete(int64_t until);
  void drop_old();

  delivery_times times_;
  std::deque<media_segment> segments_;
  size_t listed_ = 0;
  int64_t discontinuities_ = 0;
  run run_;
  std::vector<init_segment> inits_; ///< of the kept segments
  bool ended_ = false;
  int64_t peak_ = 0;
  uint64_t bytes_ = 0; ///< of complete segments
  int64_t ticks_ = 0;  ///< of those
};

} // namespace troupe
