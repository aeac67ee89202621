// Chunks and what else the source has become one file, without encoding anything again.
//
// Times: the source's earliest picture or sound is the result's zero (1.4 s in a transport stream, which needs time before its
// first picture). Video decoding times are made anew over all chunks (see encoder/chunks/chunk_sequence.hpp). What an audio encoder puts before
// the first sample lies before zero where the container can say so: MP4 and MOV in an edit list, Matroska as codec delay of
// Opus. Elsewhere everything moves by as much, so that picture and sound stay together.
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
  int64_t origin = 0; ///< `source_index::origin`
  container into = container::mp4;
  /// Each piece of work by its chunks in the order of their windows: the video's, the sound's.
  std::vector<std::vector<chunk_source>> works;
  std::vector<late_stream> late; ///< `source_index::late_streams`
  std::vector<int> copied;       ///< streams of the source that `works` have as they are
  /// Pictures that the video must have, where that is known.
  std::optional<uint64_t> pictures;
  /// Which of the source's subtitles, attachments and covers are carried: all where it is not set.
  std::optional<std::vector<int>> extras;
  std::vector<std::string> names; ///< `stream_names` of the source's index
  bool chapters = true;
  bool metadata = true;
  std::map<std::string, std::string> words; ///< metadata of the file, over what the source has
  std::string output; ///< written in place: give a name that nobody reads, then verify and `publish`
};

struct assembled_stream {
  int stream = -1; ///< of the source
  int output = -1; ///< of the result
  bool video = false;
  bool copied = false; ///< what is damaged in it was damaged before
  std::string codec;
  uint64_t packets = 0;
  uint64_t bytes = 0;
  // ticks on the result's timeline
  int64_t first_pts = no_pts;
  int64_t last_pts = no_pts;
  int64_t end_pts = no_pts;
  std::vector<int64_t> pictures;      ///< video: all presentation times in order
  std::vector<uint32_t> contents;     ///< `payload_crc` of each packet; empty where the codec has none
  std::vector<uint64_t> chunk_starts; ///< places, among the packets, of the chunks' first ones
};

struct assembly_result {
  std::vector<assembled_stream> streams; ///< video and audio
  carried others;                        ///< beside them
  std::vector<assembly_note> notes;      ///< what of the source the result has in another form, or has not, and why
  uint64_t bytes = 0;
};

/// Writes the file, and flushes it to the disk. On failure what was written is removed.
/// `errc::unsupported` where the container does not hold a codec, `errc::media` where chunks do not fit together, `errc::io` where the disk is full.
expected<assembly_result> assemble(const assembly_job& job, const work_control& control);

} // namespace troupe::av
