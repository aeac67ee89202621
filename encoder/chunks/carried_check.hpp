// Checks that the file holds what was added to pictures and sound: subtitles, attachments, covers, chapters.
#pragma once

#include "encoder/chunks/source_extras.hpp"

#include <vector>

namespace troupe::av {

/// Compares a finished file with its assembler's list. A missing item is no reason to discard pictures and sound: it is
/// noted.
class carried_check {
public:
  explicit carried_check(const carried& want) : want_{want} {}

  /// Call it before the first packet.
  void open(const AVFormatContext& have);

  /// A packet of any stream, as libavformat reads it.
  void take(const AVFormatContext& have, const AVPacket& packet);

  /// Call it after the last packet.
  std::vector<assembly_note> finish(const AVFormatContext& have) const;

private:
  const carried& want_;
  std::vector<int> places_;       ///< for each stream of the file: its index in the members below, or -1
  std::vector<unsigned> streams_; ///< numbers of the streams that are subtitles
  std::vector<uint64_t> packets_; ///< packets with text of each of those streams
};

} // namespace troupe::av
