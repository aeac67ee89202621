#include "encoder/caption_marks.hpp"

#include <algorithm>
#include <array>

namespace troupe::av {

namespace {

constexpr std::array<uint8_t, 5> broadcast_captions{'G', 'A', '9', '4', 3};
constexpr std::array<uint8_t, 8> disc_captions{0, 0, 1, 0xb2, 'C', 'C', 1, 0xf8};

} // namespace

bool holds_captions(std::span<const uint8_t> bytes) {
  auto holds = [&](std::span<const uint8_t> words) {
    return std::search(bytes.begin(), bytes.end(), words.begin(), words.end()) != bytes.end();
  };
  return holds(broadcast_captions) || holds(disc_captions);
}

} // namespace troupe::av
