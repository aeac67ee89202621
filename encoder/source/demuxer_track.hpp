// What the demuxer keeps for each track to bring its packets into form.
#pragma once

#include "encoder/source/annexb.hpp"
#include "encoder/source/missing_pts.hpp"
#include "encoder/source/picture_unpacker.hpp"
#include "encoder/source/source_context.hpp"
#include "encoder/source/stream_parser.hpp"
#include "encoder/source/timeline.hpp"

#include <cstdint>
#include <optional>

namespace troupe::av {

struct track_entry {
  uint64_t version = 0; ///< of the track's stream
  bool early = false;   ///< its packets wait for the picture's next random-access point
  bool is_video = false;
  bool ignored = false;
  bool intra = false;  ///< intra pictures count as random-access points, because the source marks none
  bool joined = false; ///< a random-access point was seen since the start or restart
  AVRational base{1, 1};
  AVCodecID codec = AV_CODEC_ID_NONE;
  int64_t wrap = 0; ///< ticks after which the container's counter wraps; 0 for never
  int64_t waiting_since = no_pts;
  size_t waited_bytes = 0;
  std::optional<video_normaliser> normaliser;
  std::optional<stream_parser> parser;
  std::optional<picture_unpacker> unpacker;
  std::optional<missing_pts> lookahead;
};

struct opened_track {
  track made;
  track_entry entry;
  timeline_track described;
};

/// How far a source's times may step without counting as a jump.
timeline::limits limits_for(const source_context& source, bool keep_times);

/// A track for this stream. `frame_rate` is used if the stream does not tell its own.
expected<opened_track> open_track(AVFormatContext& format, AVStream& stream, AVRational frame_rate);

/// True if a reader of `a` can continue with `b`: what differs is repeated in the packets, or is only a better guess.
bool goes_on(const AVCodecParameters& a, const AVCodecParameters& b);

} // namespace troupe::av
