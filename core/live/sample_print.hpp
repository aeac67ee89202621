// The fingerprint that recognises a coded frame: FNV-1a of its bytes, in 64 bits. Two different frames have the same
// value by chance once in 10^19.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace troupe::core {

inline uint64_t print_of(std::span<const std::byte> bytes) noexcept {
  uint64_t result = 0xcbf29ce484222325;
  for (auto x : bytes)
    result = (result ^ std::to_integer<uint64_t>(x)) * 0x100000001b3;
  return result;
}

} // namespace troupe::core
