// A rendition as one endless MPEG-TS: samples are muxed once, and every client of the rendition reads the same bytes.
// The same chunks, in segments on the grid, are HLS for receivers that know nothing newer.
#pragma once

#include "messages/media.hpp"
#include "packaging/muxer.hpp"
#include "packaging/segment_clock.hpp"
#include "packaging/track_window.hpp"
#include "packaging/variant_stream.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// True if MPEG-TS, the container for clients of channels, carries a codec, by libav*'s name.
bool transport_holds(const std::string& codec);

/// A segment that begins, or the next chunk of the latest one. The first chunk begins with PAT and PMT.
struct transport_piece {
  std::optional<int64_t> number{}; ///< of a segment that begins
  int64_t start = 0;               ///< of that, on the grid's timeline
  bool discontinuity = false;
  std::optional<media_part> part{};
};

/// Owned by one thread. Other threads may read its stream.
class ts_output {
public:
  using clock = std::chrono::steady_clock;

  explicit ts_output(variant_stream_ptr stream) : stream_(std::move(stream)), grid_(delivery_times{}) {}

  ts_output(const ts_output&) = delete;
  ts_output& operator=(const ts_output&) = delete;

  /// Where segments begin, and what is added to a sample's times to find its place on the grid. Before any sample.
  /// `at` is on the grid's timeline.
  void set_grid(const delivery_times& times, int64_t offset, const segment_beginning& at = {}) {
    grid_ = segment_clock{times, at};
    offset_ = offset;
  }

  /// The tracks of all later samples. If they differ from before, the stream announces the change. The next segment is
  /// a discontinuity if players of HLS must know.
  av::expected<void> set_format(const stream_format& format, bool discontinuity);

  /// The same for the rendition whose sound joins the tracks.
  av::expected<void> set_sound(const stream_format& format);

  /// Muxes a block of at least one sample. Does nothing before the first format.
  av::expected<void> write(const sample_block& block, clock::time_point now) {
    return write(block, now, nullptr);
  }

  /// The same for a block of the rendition whose sound joins.
  av::expected<void> write_sound(const sample_block& block, clock::time_point now) {
    return write(block, now, &places_);
  }

  /// Sends the clock to clients while pictures are far apart.
  void pass_time(clock::time_point now);

  /// The pieces of the segments that ended since the last call, and the beginning of the next one. With `all`, also the
  /// chunks of that one.
  std::vector<transport_piece> take_pieces(bool all = false);

private:
  /// What begins with the next bytes of a PAT.
  struct beginning {
    bool random_access = false;
    std::optional<int64_t> number{}; ///< of the segment
    int64_t start = 0;
    int64_t dts = no_timestamp;
  };

  av::expected<void> set_tracks(bool discontinuity);

  /// `places`: by track of the block, its track in the stream.
  av::expected<void> write(const sample_block& block, clock::time_point now,
                           const std::vector<std::optional<size_t>>* places);

  void take(std::span<const std::byte> bytes);
  void push();

  variant_stream_ptr stream_;
  std::optional<av::muxer> mux_;
  stream_format format_; ///< of all tracks
  stream_format own_;
  stream_format sound_;                       ///< of the rendition whose sound joins
  std::vector<std::optional<size_t>> places_; ///< by track of that: its track here, if it is sound
  segment_clock grid_;
  int64_t offset_ = 0;
  std::optional<size_t> lead_;      ///< the track whose samples begin segments
  std::vector<std::byte> bytes_;    ///< muxed and not yet pushed
  beginning chunk_;                 ///< of `bytes_`
  std::optional<beginning> next_{}; ///< begins with the tables that are muxed next
  int64_t duration_ = 0;            ///< of the leading track's samples in `bytes_`
  bool discontinuous_ = false;      ///< the next segment
  bool in_segment_ = false;         ///< the first one has begun
  std::vector<transport_piece> pieces_;
  clock::time_point written_;  ///< when the newest sample was
  int64_t dts_ = no_timestamp; ///< of that
};

} // namespace troupe
