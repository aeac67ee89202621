// How a player has to turn and mirror pictures, as phones record it in the file.
#pragma once

#include "encoder/av_ptr.hpp"

#include <cstdint>
#include <string>

namespace troupe::av {

/// One of the eight rotations and reflections of a picture: it is transposed first, then mirrored.
struct orientation {
  static constexpr uint8_t transposed = 1; ///< rows become columns
  static constexpr uint8_t mirrored = 2;   ///< left becomes right
  static constexpr uint8_t flipped = 4;    ///< top becomes bottom

  uint8_t bits = 0;

  bool is_upright() const noexcept {
    return bits == 0;
  }

  bool swaps_sides() const noexcept {
    return (bits & transposed) != 0;
  }

  bool operator==(const orientation&) const = default;
};

/// The orientation in a stream's display matrix. Upright if there is no matrix, or if its angle is not a multiple of 90
/// degrees.
orientation orientation_of(const AVStream& stream);

/// The filters that turn a picture upright, for example "transpose=clock"; empty if it is upright already.
std::string filters_for(orientation x);

} // namespace troupe::av
