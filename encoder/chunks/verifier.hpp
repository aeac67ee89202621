// Checks a written file against its intended content, by reading the file itself before it is published.
#pragma once

#include "encoder/chunks/assembler.hpp"
#include "encoder/work_control.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::av {

struct verification_job {
  std::string path;
  std::vector<assembled_stream> streams; ///< `assembly_result::streams`
  carried others;                        ///< `assembly_result::others`
  int threads = 0;                       ///< of the decoders; 0: one per core
};

struct verification {
  uint64_t pictures = 0;
  uint64_t sounds = 0;              ///< audio packets
  uint64_t damaged_packets = 0;     ///< in copied streams
  std::vector<assembly_note> notes; ///< items of `verification_job::others` that are missing
  int64_t duration = 0;             ///< ticks, from the earliest start to the latest end
};

/// Reads the whole file with libavformat, as any player would. Every picture and audio packet that went in must come
/// out once, at its time, with its content (which `encode_chunk` had decoded). Decoded here are the starts of chunks,
/// copied streams, and streams of codecs whose content is not compared. No decoder may report a fault in our own
/// encodes. The first difference is `errc::media`, with its stream and time.
expected<verification> verify(const verification_job& job, const work_control& control);

} // namespace troupe::av
