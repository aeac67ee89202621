// Joins the chunks of one piece of work into the one stream of packets that they were cut from.
//
// Each encoder guesses decoding times from its own chunk alone. After a joint these guesses may not fit, so they are
// not used. With n pictures of reordering, the decoding time of the k-th picture is the (k - n)-th presentation time in
// order. That needs all presentation times, which a first pass over the chunks collects. The pass also finds the
// chunks' faults before anything is written.
#pragma once

#include "encoder/chunks/chunk_file.hpp"
#include "encoder/work_control.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av {

struct chunk_source {
  std::string path;
  std::string sha256; ///< `chunk_result::sha256`; empty: not checked
};

/// Legal calls: `open`, then `next` until it returns false.
class chunk_sequence {
public:
  /// The results of the first pass for a track.
  struct track_times {
    track info; ///< parameters of the first chunk
    uint64_t packets = 0;
    uint64_t hidden = 0; ///< the packets that an edit list of the source hides
    int64_t first_pts = no_pts;
    int64_t first_dts = no_pts;
    int64_t last_pts = no_pts;
    int64_t end_pts = no_pts;
    bool headers_differ = false;   ///< the chunks' parameter sets differ: each chunk has to bring its own
    std::vector<int64_t> pictures; ///< video: all presentation times in order
  };

  /// Reads all chunks once. `errc::media`, with the name of the chunk, if one is damaged, does not match its checksum,
  /// has other tracks than the first one, or does not come after the one before it.
  static expected<chunk_sequence> open(std::vector<chunk_source> chunks, const work_control& control);

  const std::vector<track_times>& tracks() const noexcept {
    return tracks_;
  }

  /// The next packet, with final times and durations. If `headers_in_band` is set, or the chunks' headers differ,
  /// random-access points of video begin with their parameter sets.
  expected<bool> next(AVPacket& packet);

  /// The chunk of the latest packet, counted from 1.
  size_t chunk() const noexcept {
    return next_chunk_;
  }

  void set_headers_in_band(bool on) noexcept {
    headers_in_band_ = on;
  }

private:
  struct order {
    bool rebuilt = false;
    size_t reordered = 0; ///< pictures
    int64_t step = 0;     ///< ticks between the decoding times that lie before the first presentation time
    size_t next = 0;      ///< pictures delivered
    int64_t last_dts = no_pts;
  };

  expected<void> scan(const chunk_source& chunk, const work_control& control,
                      std::vector<std::vector<int64_t>>& decoded);
  void finish_scan(const std::vector<std::vector<int64_t>>& decoded);
  void place(AVPacket& packet);
  void add_headers(AVPacket& packet) const;

  std::vector<chunk_source> chunks_;
  std::vector<track_times> tracks_;
  std::vector<order> orders_;
  std::optional<chunk_reader> reader_;
  size_t next_chunk_ = 0;
  bool headers_in_band_ = false;
};

} // namespace troupe::av
