// The parts of a demuxer. demuxer.cpp reads and seeks; demuxer_packets.cpp brings packets into form;
// demuxer_companions.cpp does so with those of subtitle and splice streams.
#pragma once

#include "encoder/source/demuxer.hpp"
#include "encoder/source/demuxer_track.hpp"
#include "encoder/source/early_packets.hpp"
#include "encoder/source/source_tracks.hpp"
#include "encoder/source/timeline.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::av {

struct demuxer::impl {
  impl(source_context from, const source_options& options)
    : times{limits_for(from, options.keep_times)},
      input{std::move(from), options.tracks_max, options.companions},
      loop{options.loop},
      keep_times{options.keep_times},
      grid{options.grid},
      packet{make_packet()} {}

  expected<void> take_new_tracks();
  expected<void> take_stream(size_t index);
  bool has_early() const;
  bool has_picture() const;
  bool hold_early(AVPacket& out);
  expected<bool> at_end();
  void forget();
  expected<bool> seek_before(size_t video, int64_t target, int64_t pts);
  expected<bool> fetch(AVPacket& out);
  expected<bool> next(AVPacket& out);
  expected<bool> prepare(AVPacket& out);
  void take_companions();
  bool place_companion(AVPacket& out);
  bool may_join_at_intra(const track_entry& entry, const AVPacket& data);
  expected<void> wait_for_random_access(track_entry& entry, const AVPacket& data);
  source_times times_of(track_entry& entry, const AVPacket& data, int sample_rate) const;
  static bool is_displaced(const track_entry& entry, const AVPacket& data, const placement& placed);

  timeline times;
  source_tracks input;
  bool loop = false;
  bool keep_times = false;
  bool from_start = true; ///< no seek was made
  std::optional<frame_grid> grid;
  packet_ptr packet;
  std::deque<packet_ptr> ready; ///< read and placed during a seek
  early_packets early;          ///< packets, as read, of tracks that wait for the picture
  uint64_t changes = 0;
  std::vector<timeline_track> descriptions;
  std::vector<track> made_tracks;
  std::vector<track_entry> entries;
  std::vector<track> companions;
  uint64_t companions_version = 0;
  int64_t newest = no_pts;   ///< the DTS of the latest packet that was placed, of the video if there is one
  int64_t wrap = 0;          ///< as `track_entry::wrap`, of the same track
  uint64_t pass_packets = 0; ///< packets returned since the start or restart
  int unusable = 0;
  bool ended = false;
  uint64_t dropped = 0;
  source_counters counted;
};

} // namespace troupe::av
