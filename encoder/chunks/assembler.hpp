// Joins chunks, and the rest of the source, into one file, without encoding again.
//
// The source's earliest picture or sound is the result's time zero (1.4 s in a transport stream, which needs time
// before its first picture). Video decoding times are computed again over all chunks (see
// encoder/chunks/chunk_sequence.hpp). An audio encoder's priming is before zero if the container can express it: MP4
// and MOV in an edit list, Matroska as the codec delay of Opus. In other containers all tracks are moved by the same
// amount, so that picture and sound stay together.
#pragma once

#include "encoder/chunks/chunk_sequence.hpp"
#include "encoder/chunks/source_extras.hpp"
#include "encoder/container.hpp"
#include "encoder/source/demuxer.hpp"
#include "encoder/work_control.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av {

struct assembly_job {
  source_options source;
  base::path_roots outputs{}; ///< where `output` may be
  int64_t origin = 0;         ///< `source_index::origin`
  container into = container::mp4;
  /// The chunks of each piece of work (the video's, then the sound's), in the order of their windows.
  std::vector<std::vector<chunk_source>> works;
  std::vector<late_stream> late; ///< `source_index::late_streams`
  std::vector<int> copied;       ///< streams of the source that `works` copied unchanged
  /// The number of pictures that the video must have, if it is known.
  std::optional<uint64_t> pictures;
  /// The source's subtitles, attachments and covers to carry over: all if it is not set.
  std::optional<std::vector<int>> extras;
  std::vector<std::string> names; ///< `stream_names` of the source's index
  bool chapters = true;
  bool metadata = true;
  std::map<std::string, std::string> words; ///< metadata of the file; overrides the source's
  std::string output;                       ///< written in place: use a temporary name, then verify and `publish`
};

struct assembled_stream {
  int stream = -1; ///< of the source
  int output = -1; ///< of the result
  bool video = false;
  bool copied = false; ///< not encoded here: any damage comes from the source
  std::string codec;
  uint64_t packets = 0;
  uint64_t bytes = 0;
  // ticks on the result's timeline
  int64_t first_pts = no_pts;
  int64_t last_pts = no_pts;
  int64_t end_pts = no_pts;
  std::vector<int64_t> pictures;      ///< video: all presentation times in order
  std::vector<uint32_t> contents;     ///< `payload_crc` of each packet; empty if it is not defined for the codec
  std::vector<uint64_t> chunk_starts; ///< index, among the packets, of each chunk's first one
};

struct assembly_result {
  std::vector<assembled_stream> streams; ///< video and audio
  carried others;                        ///< the other contents
  std::vector<assembly_note> notes;      ///< parts of the source that the result lacks or has in another form, and why
  uint64_t bytes = 0;
};

/// Writes the file, and flushes it to the disk. On failure the partial file is removed. `errc::unsupported` if the
/// container does not hold a codec, `errc::media` if chunks do not fit together, `errc::io` if the disk is full.
expected<assembly_result> assemble(const assembly_job& job, const work_control& control);

} // namespace troupe::av
