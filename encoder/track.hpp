// One elementary stream, as this library passes it between demuxer, window and muxer.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/frame_grid.hpp"
#include "encoder/orientation.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av {

/// The time base of every packet and frame in this library's interfaces: 1/90000 s, 64 bits, unwrapped.
inline constexpr AVRational time_base{1, 90'000};

/// An unset timestamp.
inline constexpr int64_t no_pts = AV_NOPTS_VALUE;

// Our own flags in `AVPacket::flags`, above those of libav*.

/// The source's timeline was broken before this packet.
inline constexpr int packet_flag_discontinuity = 1 << 24;

/// Set by a transcode: every picture still to come is shown after all pictures delivered so far, this packet's
/// included. Every packet has it if no video track is encoded.
inline constexpr int packet_flag_closed = 1 << 25;

/// The source was interrupted, and resumes with this packet as if it had not been: see `timeline_joint`.
inline constexpr int packet_flag_continues = 1 << 26;

/// The most tracks in a chunk, and in a file that is cut into chunks: a chunk file numbers tracks in 8 bits.
inline constexpr size_t chunk_tracks_max = 255;

/// `AVPacket::stream_index` of a track's packets is the track's index in its vector.
struct track {
  codec_parameters_ptr parameters;
  AVRational frame_rate{0, 1};
  std::string language; ///< the source's language tag: "eng", "pt-BR", or empty
  int stream = -1;      ///< libavformat's number of the stream in its source, if it has one
  /// The grid of picture times of a whole file, if it is known. The track's times are on it.
  std::optional<frame_grid> grid{};
  orientation turn{};               ///< how a player turns the pictures
  bool aspect_by_container = false; ///< the container's sample aspect overrides that of the pictures

  track clone() const;
};

/// The language in a stream's metadata; empty if that is not a language tag (RFC 5646).
std::string language_in(const AVDictionary* words);

std::vector<track> clone(const std::vector<track>& tracks);

} // namespace troupe::av
