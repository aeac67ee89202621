// Is beside pictures and sound in the file what was put in?
#pragma once

#include "encoder/chunks/source_extras.hpp"

#include <vector>

namespace troupe::av {

/// Compares a finished file with the list that its assembler made. What is not there is no reason to throw pictures and sound away: it is noted.
class carried_check {
public:
  explicit carried_check(const carried& want) : want_{want} {}

  /// Before the first packet.
  void open(const AVFormatContext& have);

  /// A packet of any stream, as libavformat reads it.
  void take(const AVFormatContext& have, const AVPacket& packet);

  /// After the last.
  std::vector<assembly_note> finish(const AVFormatContext& have) const;

private:
  const carried& want_;
  std::vector<int> places_;       ///< of the file's subtitles among them, by stream
  std::vector<unsigned> streams_; ///< that are subtitles
  std::vector<uint64_t> packets_; ///< of each of them
};

} // namespace troupe::av
