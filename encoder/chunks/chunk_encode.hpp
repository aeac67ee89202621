// Encodes one window of one source into one chunk file: the unit of work that a job gives to its workers.
//
// Video chunks begin and end at random-access points of the source. They are reached by seeking if the source's times
// allow it (`source_index::exact`). Sound, and every copied track, is read from the source's start, because its sample
// grid depends on its first packet.
#pragma once

#include "encoder/source/demuxer.hpp"
#include "encoder/source/late_stream.hpp"
#include "encoder/window/transcode.hpp"
#include "encoder/work_control.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av {

struct stream_plan {
  int stream = -1; ///< `track::stream`
  track_plan plan;
};

struct chunk_job {
  source_options source;
  std::vector<stream_plan> streams; ///< streams that are not listed are dropped
  std::vector<late_stream> late;    ///< `source_index::late_streams`
  time_window window;
  bool exact = false; ///< `source_index::exact`: the window may be reached by seeking, other tracks need not be read
  /// The number of pictures in the source's window, if the result must have as many (no frame rate set, no picture per
  /// field). If an encode after a seek gives another number, it is repeated from the source's start.
  std::optional<uint64_t> pictures;
  std::string output;       ///< the chunk file; replaced if it exists
  std::string tag{"chunk"}; ///< part of the temporary name: tells attempts apart
  const engine* codecs = &libav_engine();
};

struct chunk_track {
  int stream = -1;
  bool video = false;
  std::string codec;
  uint64_t packets = 0; ///< for video: pictures
  uint64_t bytes = 0;
  int64_t first_pts = no_pts; ///< the earliest, ticks on the source's timeline
  int64_t last_pts = no_pts;  ///< the latest
  int64_t end_pts = no_pts;   ///< the latest end
};

struct chunk_result {
  std::vector<chunk_track> tracks;
  uint64_t bytes = 0;  ///< of the chunk file
  std::string sha256;  ///< of the chunk file
  bool sought = false; ///< the window was reached by seeking
  transcode_counters counters;
};

/// Makes the chunk file, whole or not at all. Parameter sets are not in the packets, even if `in_band_headers` is set:
/// the assembler puts them where the container wants them. If a window misses its average rate it is made again, see
/// `chunk_rate`. Sources that end, disappear or stop answering are `errc::io` or `errc::timeout`; an empty window is no
/// error. The output is decoded again at the same time: `errc::device` if a decoder reports a fault.
expected<chunk_result> encode_chunk(const chunk_job& job, const work_control& control);

} // namespace troupe::av
