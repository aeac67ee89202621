// A client as people have them: opens a URL or a file with plain libavformat, decodes what comes, and notes what it
// saw.
//
// Nothing of our own demuxer is used, so that a mistake there is not hidden by the same mistake here.
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
  std::chrono::milliseconds duration{10'000};                 ///< wall time from the call on; a file may end sooner
  std::chrono::milliseconds connect_timeout{10'000};          ///< until the source is open and its format known
  std::chrono::milliseconds stall_timeout{5'000};             ///< nothing read for this long is the end, with an error
  uint64_t frames_max = std::numeric_limits<uint64_t>::max(); ///< enough after this many pictures
  uint32_t loop_frames = 0;                                   ///< see `summarise`
  bool decode = true; ///< false counts packets only: frames stay empty, bytes and timestamps are still checked
  const std::atomic<bool>* stop = nullptr;           ///< set by another thread, ends the viewing
  std::function<void(const frame_seen&)> on_picture; ///< told of each decoded picture, on the thread that watches
};

/// Blocks for at most `duration` (if the source is slow to open: `connect_timeout`) and a little more. Never fails:
/// what went wrong is in `observations::error`.
viewing watch(const viewer_options& options);

} // namespace troupe::bench
