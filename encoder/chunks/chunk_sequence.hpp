// The chunks of one piece of work, one after the other, as the one stream of packets that they were cut from.
//
// Encoders guess decoding times, each from its own chunk. Behind a joint those guesses need not fit, so they are not used: with n pictures of
// reordering, the decoding time of the k-th picture is the presentation time that is (k - n)-th in order. That needs all presentation
// times, which a first pass over the chunks collects; it also finds out what is wrong with them before anything is written.
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
  std::string sha256; ///< `chunk_result::sha256`; empty where it is not to be checked
};

/// Legal calls: `open`, then `next` until it returns false.
class chunk_sequence {
public:
  /// What the first pass found of a track.
  struct track_times {
    track info; ///< parameters of the first chunk
    uint64_t packets = 0;
    uint64_t hidden = 0; ///< of them those that an edit list of the source hides
    int64_t first_pts = no_pts;
    int64_t first_dts = no_pts;
    int64_t last_pts = no_pts;
    int64_t end_pts = no_pts;
    bool headers_differ = false;   ///< the chunks' parameter sets are not equal: each has to bring its own
    std::vector<int64_t> pictures; ///< video: all presentation times in order
  };

  /// Reads all chunks once. A chunk that is damaged, is not the one that its checksum names, has other tracks than the first one, or does not
  /// come after the one before it is `errc::media`, and named.
  static expected<chunk_sequence> open(std::vector<chunk_source> chunks, const work_control& control);

  const std::vector<track_times>& tracks() const noexcept {
    return tracks_;
  }

  /// The next packet, with final times and durations. Where `headers_in_band`, or the chunks' headers differ, random-access points of video begin with
  /// their parameter sets.
  expected<bool> next(AVPacket& packet);

  /// Which chunk the latest packet is of, counted from 1.
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
    int64_t step = 0;     ///< ticks between pictures before the first one
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
