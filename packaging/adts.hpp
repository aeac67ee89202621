// The header before each AAC packet if the container does not describe the codec (ADTS; ISO/IEC 14496-3: 1.A.3).
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/error.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace troupe {

struct adts_header {
  uint32_t stream = 0; ///< its second to fourth byte without the bits that may differ between packets
  size_t size = 0;     ///< bytes
  bool single = true;  ///< one frame follows, as in all usual streams
};

/// Empty if the bytes do not begin with a header.
std::optional<adts_header> adts_of(std::span<const std::byte> bytes);

/// The AudioSpecificConfig that the packet's ADTS header describes. If the header leaves the channel layout open, the
/// layout is read from the packet's payload.
av::expected<std::vector<std::byte>> config_of_adts(const AVCodecParameters& p, std::span<const std::byte> bytes);

} // namespace troupe
