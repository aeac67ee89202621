// What an operator may set for live channels, with the defaults. The table in config/ points its rows at these members.
#pragma once

#include "config/waits.hpp"
#include "core/memory_plan.hpp"
#include "core/plan.hpp"
#include "core/watchdog.hpp"
#include "messages/media.hpp"
#include "messages/work.hpp"

#include <chrono>
#include <cstdint>

namespace troupe::core {

/// A duration in ticks of a source's timeline.
constexpr int64_t ticks_of(milliseconds x) {
  return x.count() * ticks_per_second / 1000;
}

/// If the buffer exceeds one of these limits, its oldest data is dropped.
struct source_buffer_limits {
  uint64_t bytes_max = 64 * 1024 * 1024;
  milliseconds duration_max{30'000};

  bool operator==(const source_buffer_limits&) const = default;
};

/// The same for a rendition.
struct client_ring_limits {
  uint64_t bytes_max = 32 * 1024 * 1024;
  milliseconds duration_max{30'000};
  milliseconds lag_max{15'000}; ///< a client further behind than this is moved ahead

  bool operator==(const client_ring_limits&) const = default;
};

struct session_config {
  milliseconds idle_timeout{60'000};
  milliseconds open_timeout{10'000};
  /// From a client's request to the first bytes of its rendition.
  milliseconds watch_timeout = config::defaults::first_bytes_wait(open_timeout, milliseconds{5'000});
  milliseconds queue_timeout{60'000};        ///< added to `watch_timeout` if a rendition may wait for its encoder
  milliseconds first_output_timeout{15'000}; ///< from a transcode's start to its first output
  /// A transcode is ended if the source has no random-access point to begin at for this long.
  milliseconds unfed_after{2000};
  milliseconds silence_after{5000}; ///< the status says so if clients get nothing for this long
  milliseconds read_timeout{10'000};
  uint64_t credit_bytes = 4 * 1024 * 1024;
  uint32_t attempts_max = 4; ///< tries at a variant that never delivered; then the variant fails
  /// After an attempt has run and delivered for this long, the variant avoids no worker any more.
  milliseconds settled_after{10'000};
  uint32_t watchers_max = 10'000; ///< requests that may wait for the first bytes of one rendition
  watchdog_limits stall;          ///< how long a transcoder may be silent before it counts as stalled
  /// An attempt is too slow if its lag exceeds its own smallest lag by more than this. If the lag does not shrink for
  /// `slow_after`, the session looks for a faster worker.
  milliseconds slow_lag{4000};
  milliseconds slow_after{6000};
  milliseconds failover_timeout{60'000}; ///< a variant with clients is given up after this time without output
  uint32_t quarantine_after = 3;         ///< failures in a row at one place of the source that stop a variant
  milliseconds source_timeout{60'000};   ///< the session gives its source up after this time without samples
  milliseconds source_return{30'000};    ///< how often the first source URL is tried while another one is in use
  slate_kind slate = slate_kind::last;   ///< what clients see while the source is away
  milliseconds slate_after{2000};        ///< a source that is silent for this long is away
  shared_bytes slate_image;              ///< the picture file for `slate_kind::image`
  source_buffer_limits buffer;
  memory_rules memory;          ///< for the session's tasks
  codec_test held = nullptr;    ///< whether the container of renditions can hold a codec
  milliseconds earliest_dts{0}; ///< of the first packet of a rendition; 0 for no limit

  /// How long a client may wait for the first bytes of a rendition.
  milliseconds patience(const video_profile& x) const {
    if (x.on_busy != exhaustion_policy::queue)
      return watch_timeout;
    return watch_timeout + (x.queue_timeout.count() > 0 ? x.queue_timeout : queue_timeout);
  }

  bool operator==(const session_config&) const = default;
};

} // namespace troupe::core
