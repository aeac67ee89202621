// One window of one source into one chunk file: the unit of work that a job hands to its workers.
//
// Chunks of video begin and end at random-access points of the source, and are reached by seeking where the source's times allow that
// (`source_index::exact`). Sound, and whatever is copied, is read from the source's start: its sample grid hangs on its first packet.
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
  std::vector<stream_plan> streams; ///< what is not listed is dropped
  std::vector<late_stream> late;    ///< `source_index::late_streams`
  time_window window;
  bool exact = false; ///< `source_index::exact`: the window may be reached by seeking, other tracks need not be read
  /// Pictures that the window has in the source, where their number stays what it is (no frame rate set, no picture per field): a window that was
  /// reached by seeking and has another number is made again from the source's start.
  std::optional<uint64_t> pictures;
  std::string output;       ///< the chunk file; replaced where it exists
  std::string tag{"chunk"}; ///< for the temporary name: tells attempts apart
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
  uint64_t bytes = 0; ///< of the chunk file
  std::string sha256; ///< of the chunk file
  bool sought = false;
  transcode_counters counters;
};

/// Makes the chunk file, whole or not at all. Parameter sets are outside of the packets, whatever `in_band_headers` says: the assembler puts them where the
/// container wants them. Where an average rate is asked for, a window that misses it is made again, see `chunk_rate`. Sources that end, disappear or stop answering are `errc::io` or `errc::timeout`; an empty window is no error.
/// What was encoded is decoded again at the same time: `errc::device` where a decoder finds fault with it.
expected<chunk_result> encode_chunk(const chunk_job& job, const work_control& control);

} // namespace troupe::av
