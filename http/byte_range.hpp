// Which part of a file a request wants (RFC 9110, section 14).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe::http {

struct byte_range {
  uint64_t first = 0;
  uint64_t size = 0; ///< never 0
  bool operator==(const byte_range&) const = default;
};

enum class range_kind : uint8_t {
  whole,        ///< no range, or an unsupported one: the whole file
  part,         ///< one range
  unsatisfiable ///< the range lies behind the end
};

struct wanted_range {
  range_kind kind = range_kind::whole;
  byte_range part;
  bool operator==(const wanted_range&) const = default;
};

/// Reads a Range field for a file of this size. A range that is malformed, in another unit, or in several parts is
/// answered with the whole file, as the standard allows.
wanted_range read_range(std::string_view field, uint64_t file_bytes);

} // namespace troupe::http
