// Splice sections of SCTE 35 with any content. A section that is accepted is one, tells a bounded number of things, and
// can be moved in time without another change.
#include "encoder/splice_section.hpp"

#include "test/fuzz/fuzz.hpp"

#include <algorithm>
#include <vector>

using namespace troupe::av;
using troupe::fuzz::require;

namespace {

/// The bytes as a section with correct length and checksum, which chance would never give.
std::vector<uint8_t> as_section(const uint8_t* data, size_t size) {
  std::vector<uint8_t> result(data, data + std::min(size, section_bytes_max));
  if (result.size() < 8)
    return result;
  result[0] = 0xfc;
  result[1] = static_cast<uint8_t>((result[1] & 0xf0) | (result.size() - 3) >> 8);
  result[2] = static_cast<uint8_t>((result.size() - 3) & 0xff);
  auto crc = section_crc(std::span{result}.first(result.size() - 4));
  for (size_t i = 0; i < 4; ++i)
    result[result.size() - 4 + i] = static_cast<uint8_t>(crc >> (24 - 8 * i) & 0xff);
  return result;
}

void check(const std::vector<uint8_t>& bytes) {
  auto read = read_splice(bytes);
  if (!read)
    return;
  require(read->marks.size() <= 32, "marks are bounded");
  require(read->idle || !read->marks.empty(), "a section tells something");
  require(!read->time || (*read->time >= 0 && *read->time < clock_turn), "a time is one of the clock");
  constexpr int64_t later = 0x1'2345'6789;
  auto moved = splice_at(bytes, later);
  auto again = read_splice(moved);
  require(again.has_value(), "a moved section is a section");
  require(again->time == (read->time ? std::optional{later & (clock_turn - 1)} : std::nullopt), "it has the new time");
  require(!read->time || splice_at(moved, *read->time) == bytes, "moved back, it is the old one");
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  check({data, data + size});
  check(as_section(data, size));
  return 0;
}
