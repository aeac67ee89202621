// What a packet says, whatever form a container gave it: the same number before muxing and after demuxing.
#pragma once

#include "encoder/av_ptr.hpp"

#include <cstdint>
#include <optional>

namespace troupe::av {

/// CRC-32 of the packet's content. Left out is what muxers add, take away or write otherwise: start codes and lengths of NAL units, parameter sets,
/// delimiters, ends of sequences, ADTS headers. Nothing for codecs whose packets come back in other pieces. `parameters` are those that belong to the packet.
std::optional<uint32_t> payload_crc(const AVCodecParameters& parameters, const AVPacket& packet);

} // namespace troupe::av
