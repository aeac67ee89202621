// Is the file that was written the file that was meant? Asked of the file itself, before anybody gets it.
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
  int threads = 0;                       ///< of the decoders; 0 is one a core
};

struct verification {
  uint64_t pictures = 0;
  uint64_t sounds = 0;              ///< audio packets
  uint64_t damaged_packets = 0;     ///< in copied streams
  std::vector<assembly_note> notes; ///< what of `verification_job::others` is not there
  int64_t duration = 0;             ///< ticks, from the earliest begin to the latest end
};

/// Reads all of the file with libavformat as any player would. Every picture and every audio packet that was put in must come out, once, at its time, and
/// with its content, which `encode_chunk` had decoded; how chunks begin is decoded here, as is all of codecs whose content is not compared and of copied
/// streams. No decoder may find fault with what was encoded here. The first difference is `errc::media`, and named by stream and time.
expected<verification> verify(const verification_job& job, const work_control& control);

} // namespace troupe::av
