// HLS playlists as text, by RFC 8216bis and Apple's authoring specification. Pure: a window goes in, text comes out.
//
// Names of files are relative to the playlist, and contain nothing but the track's name and numbers. So a rendered
// playlist is the same for all viewers.
#pragma once

#include "core/live/clock_map.hpp"
#include "packaging/delivery.hpp"
#include "packaging/splice_list.hpp"
#include "packaging/track_window.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

using core::clock_map;

// -- names of files, relative to the playlist -----------------------------------

/// All tracks in MPEG-TS, by the name that stands for a track's.
inline constexpr std::string_view transport_name = "ts";

std::string playlist_name(std::string_view track);
std::string init_name(std::string_view track, std::string_view init);
std::string segment_name(std::string_view track, int64_t number);
std::string transport_segment_name(int64_t number);
std::string part_name(std::string_view track, int64_t number, int64_t part);
std::string subtitle_name(std::string_view track, int64_t number);

// -- media playlists --------------------------------------------------------------

/// The state of another playlist of the same presentation, for a rendition report.
struct rendition_report {
  std::string uri; ///< relative to this playlist
  playlist_place latest;
};

struct playlist_options {
  bool skip = false; ///< leave out old segments (a delta update)
  const splice_list* splices = nullptr;
};

std::string media_playlist(std::string_view track, const track_window& window, const delivery_times& times,
                           const clock_map& clock, std::span<const rendition_report> others,
                           const playlist_options& options);

/// Of a track of subtitles, whose segments have no parts.
std::string subtitle_playlist(std::string_view track, const track_window& window, const delivery_times& times,
                              const clock_map& clock, std::span<const rendition_report> others,
                              const playlist_options& options);

/// The segments of the transport stream, for receivers that know HLS of version 3 and nothing newer.
std::string transport_playlist(const track_window& window, const delivery_times& times, const clock_map& clock,
                               const splice_list& splices);

/// Only the first picture of each segment, for fast forward.
std::string key_playlist(std::string_view track, const track_window& window, const delivery_times& times,
                         const clock_map& clock);

// -- the multivariant playlist ------------------------------------------------------

/// A track of a rendition as players choose it.
struct track_summary {
  std::string name;  ///< "v", "a0"
  std::string codec; ///< RFC 6381
  track_format format;
  int64_t peak_bit_rate = 0; ///< bit/s
  int64_t mean_bit_rate = 0; ///< bit/s
  bool captions = false;     ///< closed captions were seen in its pictures
};

struct rendition_summary {
  std::string folder; ///< of its playlists, relative to the multivariant playlist: "KEY/hd"
  std::vector<track_summary> tracks;
};

/// All tracks of a rendition in MPEG-TS.
struct transport_summary {
  std::string folder;
  std::vector<track_summary> tracks{}; ///< without codec if one of them has no name
  int64_t peak_bit_rate = 0;           ///< bit/s, of all together
  int64_t mean_bit_rate = 0;           ///< bit/s
};

/// In version 3: one variant for each rendition, of which there is at least one. Each has its sound in its stream.
std::string transport_multivariant_playlist(std::span<const transport_summary> renditions);

/// `renditions` differ in their video; the sound is that of the first one with sound.
std::string multivariant_playlist(std::span<const rendition_summary> renditions, const delivery_times& times);

} // namespace troupe
