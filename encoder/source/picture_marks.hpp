// What pictures have in them beside what is seen: tone curves and closed captions. Found by a look at the first packets.
#pragma once

#include "encoder/source/source_context.hpp"

#include <set>

namespace troupe::av {

/// Streams of a source, by number, whose pictures have something in them that an encoder may not keep.
struct picture_marks {
  std::set<int> hdr10_plus; ///< a tone curve each
  std::set<int> captions;
};

/// Packets that are looked at: what comes with pictures comes with each of them, or several times a second.
inline constexpr int marked_packets = 256;

/// Reads the begin of a source that is known already, in a context of its own: the other one need not go back.
expected<picture_marks> find_marks(const source_options& options, const AVFormatContext& known,
                                   const std::atomic<bool>& stop);

/// True where the packet has closed captions of ATSC (A/53 part 4, section 6.2.3) or of DVDs in it, whatever its codec is.
bool has_captions(const AVPacket& packet);

} // namespace troupe::av
