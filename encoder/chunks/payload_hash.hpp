// A hash of a packet's content that is the same before muxing and after demuxing, in any container.
#pragma once

#include "encoder/av_ptr.hpp"

#include <cstdint>
#include <optional>

namespace troupe::av {

/// CRC-32 of the packet's content. It leaves out the parts that muxers add, remove or rewrite: start codes and lengths
/// of NAL units, parameter sets, delimiters, ends of sequences, ADTS headers. Nothing for codecs whose packets are
/// split differently when they are read back. `parameters` must belong to the packet.
std::optional<uint32_t> payload_crc(const AVCodecParameters& parameters, const AVPacket& packet);

} // namespace troupe::av
