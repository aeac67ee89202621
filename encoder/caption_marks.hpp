// Closed captions in a coded picture, of any codec. They begin with byte patterns that hardly occur by chance.
#pragma once

#include <cstdint>
#include <span>

namespace troupe::av {

/// True if the bytes have ATSC (A/53 part 4, section 6.2.3) or DVD closed captions.
bool holds_captions(std::span<const uint8_t> bytes);

} // namespace troupe::av
