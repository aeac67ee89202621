// One elementary stream as this library passes it between demuxer, window and muxer.
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

/// The time base of every packet and frame that crosses this library's borders: 1/90000 s, 64 bits, unwrapped.
inline constexpr AVRational time_base{1, 90'000};

/// An unset timestamp.
inline constexpr int64_t no_pts = AV_NOPTS_VALUE;

// Flags of packets, above those of libav*.

/// Flag of ours in `AVPacket::flags`, beyond libav*'s: the source's timeline was broken before this packet.
inline constexpr int packet_flag_discontinuity = 1 << 24;

/// Flag of ours in `AVPacket::flags` of packets that a transcode makes: no picture that is shown before those delivered so far, this packet's
/// included, is still to come. Set on every packet where no track is video that is encoded.
inline constexpr int packet_flag_closed = 1 << 25;

/// Another of ours: the source was left and goes on with this packet as if it had not been, see `timeline_joint`.
inline constexpr int packet_flag_continues = 1 << 26;

/// No chunk has more tracks, and no file that is cut into chunks: their numbers have 8 bits in a chunk file.
inline constexpr size_t chunk_tracks_max = 255;

/// `AVPacket::stream_index` of a track's packets is the track's place in its vector.
struct track {
  codec_parameters_ptr parameters;
  AVRational frame_rate{0, 1};
  std::string language; ///< as the source has it: "eng", "pt-BR", or empty
  int stream = -1;      ///< libavformat's number of the stream in its source, where it has one
  /// Where the pictures of a whole file are, if that is known. Their times are on it.
  std::optional<frame_grid> grid{};
  orientation turn{};               ///< what a player does with the pictures
  bool aspect_by_container = false; ///< the sample aspect is the container's, whatever the pictures say of themselves

  track clone() const;
};

/// What a stream's words say of its language; empty where that is no language tag (RFC 5646).
std::string language_in(const AVDictionary* words);

std::vector<track> clone(const std::vector<track>& tracks);

} // namespace troupe::av
