// What an operator may set for delivery by HLS and DASH, with the defaults.
#pragma once

#include <chrono>
#include <cstdint>

namespace troupe::core {

/// The times before they are fitted to a rendition.
struct delivery_options {
  std::chrono::milliseconds segment{2000};
  std::chrono::milliseconds part{400};
  std::chrono::milliseconds window{20'000}; ///< of segments that playlists list

  /// Segments in a playlist (Apple's authoring specification for HLS).
  static constexpr int64_t segments_min = 6;

  bool operator==(const delivery_options&) const = default;
};

} // namespace troupe::core
