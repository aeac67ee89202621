// Reads what is needed of the boxes of a fragment (ISO/IEC 14496-12).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace troupe {

/// The bytes of a fragment (moof, mdat) up to the end of its first sample; 0 if it is not understood.
uint64_t first_sample_end(std::span<const std::byte> fragment);

} // namespace troupe
