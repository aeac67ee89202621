// Metadata inside pictures: HDR10+ tone curves and closed captions. Found by a look at the first packets.
#pragma once

#include "encoder/source/source_context.hpp"

#include <set>

namespace troupe::av {

/// The streams of a source, by number, whose pictures carry metadata that an encoder may drop.
struct picture_marks {
  std::set<int> hdr10_plus; ///< streams with HDR10+ tone curves
  std::set<int> captions;
};

/// How many packets are examined: such metadata comes with every picture, or several times a second.
inline constexpr int marked_packets = 256;

/// Reads the beginning of a known source in a separate context, so the other context need not seek back.
expected<picture_marks> find_marks(const source_options& options, const AVFormatContext& known,
                                   const std::atomic<bool>& stop);

/// True if the packet, of any codec, has ATSC (A/53 part 4, section 6.2.3) or DVD closed captions.
bool has_captions(const AVPacket& packet);

} // namespace troupe::av
