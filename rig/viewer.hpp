// A client like real ones: opens a URL or a file with plain libavformat, decodes the stream, and records what it sees.
//
// It uses nothing of our own demuxer, so that a mistake there is not hidden by the same mistake here.
#pragma once

#include "rig/viewing.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

namespace troupe::bench {

struct viewer_options {
  std::string url;
  std::chrono::milliseconds duration{10'000};        ///< wall time from the call on; a file may end earlier
  std::chrono::milliseconds connect_timeout{10'000}; ///< until the source is open and its format known
  std::chrono::milliseconds stall_timeout{5'000}; ///< if nothing is read for this long, the viewing ends with an error
  uint64_t frames_max = std::numeric_limits<uint64_t>::max(); ///< ends after this many pictures
  uint32_t loop_frames = 0;                                   ///< see `summarise`
  bool decode = true; ///< false counts packets only: frames stay empty, bytes and timestamps are still checked
  const std::atomic<bool>* stop = nullptr;           ///< set by another thread; ends the viewing
  std::function<void(const frame_seen&)> on_picture; ///< called for each decoded picture, on the viewing thread
};

/// Blocks for at most `duration` (for `connect_timeout`, if the source is slow to open) and a little more. Never fails:
/// problems are in `observations::error`.
viewing watch(const viewer_options& options);

} // namespace troupe::bench
