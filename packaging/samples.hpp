// Converts between samples in messages and libav*'s packets.
#pragma once

#include "encoder/track.hpp"
#include "messages/media.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace troupe {

track_format to_format(const av::track& x);
stream_format to_format(const std::vector<av::track>& tracks);

/// Names that this libav* does not know become "unknown"; a decoder or muxer for them then fails to open, and its error
/// gives the reason.
av::track to_track(const track_format& x);
std::vector<av::track> to_tracks(const stream_format& x);

/// Points `packet` at a sample's bytes. The block still owns them: the packet must not outlive it.
void borrow(AVPacket& packet, const sample& s, std::span<const std::byte> bytes);

} // namespace troupe
