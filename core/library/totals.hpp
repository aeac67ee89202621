// What a library has saved: sums over the account of replacements, never over a scan.
//
// A scan sees only today's files: it cannot know what they were, and a deleted film would take its savings along.
#pragma once

#include "core/library/film.hpp"

namespace troupe::core {

struct library_totals {
  uint64_t films = 0;          ///< originals that a result replaced, without those that came back
  uint64_t original_bytes = 0; ///< of these originals
  uint64_t result_bytes = 0;   ///< of the latest result of each

  bool operator==(const library_totals&) const = default;

  void add(const film_replacement& x) noexcept {
    switch (x.what) {
    case film_change::replaced:
      ++films;
      original_bytes += x.bytes_before;
      result_bytes += x.bytes_after;
      break;
    case film_change::replaced_again:
      result_bytes += x.bytes_after;
      result_bytes -= x.bytes_before;
      break;
    case film_change::restored:
      --films;
      original_bytes -= x.bytes_after;
      result_bytes -= x.bytes_before;
      break;
    }
  }

  /// 0 to 1; 0 if nothing was replaced.
  double saved_share() const noexcept {
    return original_bytes == 0 ? 0 : 1 - static_cast<double>(result_bytes) / static_cast<double>(original_bytes);
  }
};

} // namespace troupe::core
