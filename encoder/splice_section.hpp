// SCTE 35 splice information: where a broadcaster's programme may be replaced, for example by advertisements.
//
// A section is read from outside, so nothing in it is believed: lengths and the checksum must fit, and what is too long
// or encrypted is refused. Sections are passed on as they are. Only their time is moved, in the field that the standard
// has for that (pts_adjustment), because a stream may leave us with other times than it came with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace troupe::av {

/// Turns of the counter of a transport stream's times, in ticks.
inline constexpr int64_t clock_turn = int64_t{1} << 33;

/// The shortest way (ticks) from one value of that counter to another.
int64_t clock_distance(int64_t from, int64_t to) noexcept;

/// The checksum of a section of a transport stream (ISO/IEC 13818-1 annex A).
uint32_t section_crc(std::span<const uint8_t> bytes) noexcept;

struct splice_mark {
  enum class kind : uint8_t {
    out,     ///< a break begins
    in,      ///< a break ends
    command, ///< anything else
  };

  kind what = kind::command;
  /// The same for the beginning and the end of a break; of splice_insert, or of a segmentation descriptor.
  uint64_t event = 0;
  std::optional<int64_t> duration; ///< of the break, ticks
};

struct splice_section {
  std::optional<int64_t> time;    ///< of the first splice, 0 to `clock_turn`; none if at once, or if nothing is spliced
  bool idle = false;              ///< a heartbeat or a reservation of bit rate: nothing is asked for
  std::vector<splice_mark> marks; ///< at least one, unless `idle`
};

/// The most bytes of a section (ISO/IEC 13818-1, 2.4.4.11).
inline constexpr size_t section_bytes_max = 4096;

/// Empty if the bytes are not exactly one whole, clear section.
std::optional<splice_section> read_splice(std::span<const uint8_t> bytes);

/// The same section with its splice at `time` (ticks, any turn of the clock). Unchanged if it names no time. `bytes`
/// must be readable by `read_splice`.
std::vector<uint8_t> splice_at(std::span<const uint8_t> bytes, int64_t time);

} // namespace troupe::av
