// How a picture is turned and mirrored before it is shown: what phones write beside it, for players to do.
#pragma once

#include "encoder/av_ptr.hpp"

#include <cstdint>
#include <string>

namespace troupe::av {

/// One of the eight ways that leave a picture upright and whole: transposed first, then mirrored.
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

/// What a stream's display matrix says. Upright where it has none, or where the matrix turns by anything else than a multiple of 90 degrees.
orientation orientation_of(const AVStream& stream);

/// The filters that turn a picture so that it is upright, "transpose=clock"; empty where it is.
std::string filters_for(orientation x);

} // namespace troupe::av
