// Splice sections for tests, written field by field (ANSI/SCTE 35, 9.6 and 9.7).
#pragma once

#include "encoder/splice_section.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::av::test {

struct insert_fields {
  uint32_t event = 1;
  bool out = true;
  std::optional<int64_t> time{};     ///< none: at once
  std::optional<int64_t> duration{}; ///< ticks
  int64_t adjustment = 0;
  bool encrypted = false;
};

std::vector<uint8_t> splice_insert(const insert_fields& x);

/// A time_signal with one segmentation descriptor.
std::vector<uint8_t> segment_signal(int64_t time, uint32_t event, uint8_t type);

/// The heartbeat.
std::vector<uint8_t> splice_null();

/// From hexadecimal digits.
std::vector<uint8_t> bytes_of(std::string_view hex);

} // namespace troupe::av::test
