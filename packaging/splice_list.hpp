// The splices (SCTE 35) of a rendition as players of HLS and DASH are told about them: as date ranges in playlists, and
// as an event stream in the manifest. Both carry the broadcaster's sections byte by byte.
//
// Messages are repeated by their senders; each is told once, and what was told never changes. The end of a break is
// another tag of the same range.
#pragma once

#include "core/live/clock_map.hpp"
#include "encoder/splice_section.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe {

class splice_list {
public:
  /// Takes a section. `pts` is the time of its splice, in ticks of the rendition's segments. False if it tells nothing
  /// new.
  bool add(std::span<const std::byte> section, int64_t pts);

  /// EXT-X-DATERANGE tags of what is not over at `from` (RFC 8216bis, 4.4.5.1).
  std::string date_ranges(int64_t from, const core::clock_map& clock) const;

  /// The EventStream (ANSI/SCTE 214-1) of the period from `begin` to `end`, with what is not over at `from`; empty if
  /// that is nothing.
  std::string event_stream(int64_t from, int64_t begin, int64_t end = std::numeric_limits<int64_t>::max()) const;

private:
  static constexpr size_t entries_max = 128;

  struct entry {
    av::splice_mark mark;
    int64_t pts = 0;              ///< of this splice
    int64_t start = 0;            ///< of the break that it ends, if that is known; else `pts`
    std::optional<int64_t> end{}; ///< of the break that it begins, when that is known
    std::vector<uint8_t> section;
  };

  static bool is_over(const entry& x, int64_t from);

  std::deque<entry> entries_;
};

} // namespace troupe
