// A packet of silence that a decoder of copied sound takes between the source's own packets: same codec, rate and
// channels, and for AAC the same header. Its bytes may be repeated for as long as the silence lasts.
#pragma once

#include "encoder/error.hpp"
#include "encoder/track.hpp"

namespace troupe::av {

/// `like` is a packet of the track. The packet has a duration in ticks, and no times. `errc::unsupported` for codecs
/// whose silence depends on what was before it, or on settings that libav*'s encoders do not have: anything but MP2,
/// AC-3, E-AC-3 and AAC-LC.
expected<packet_ptr> make_silent_packet(const track& source, const AVPacket& like);

} // namespace troupe::av
