// Between samples as messages carry them and packets as libav* has them.
#pragma once

#include "encoder/track.hpp"
#include "messages/media.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace troupe {

track_format to_format(const av::track& x);
stream_format to_format(const std::vector<av::track>& tracks);

/// Names that this libav* does not know become "unknown"; opening a decoder or muxer for them then fails with a reason.
av::track to_track(const track_format& x);
std::vector<av::track> to_tracks(const stream_format& x);

/// Points `packet` at a sample's bytes. They stay the block's: the packet must not outlive it.
void borrow(AVPacket& packet, const sample& s, std::span<const std::byte> bytes);

} // namespace troupe
