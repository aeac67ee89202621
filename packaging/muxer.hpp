// Packets into a container, in one piece of memory or into a file.
#pragma once

#include "encoder/error.hpp"
#include "encoder/track.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace troupe::av {

/// Legal calls: `open`, `write` and `change_tracks` any number of times, `finish` once. Errors are sticky.
class muxer {
public:
  /// Receives the container's bytes in order, on the caller's thread; they are valid for the call.
  using writer = std::function<void(std::span<const std::byte>)>;

  /// `format` is libavformat's name. For "mpegts" timestamps go out as they are (33 bits of them), PAT and PMT
  /// precede each random-access point that `begin_segment` announces, nothing is interleaved or delayed, and each
  /// `write` hands its bytes over before it returns. The clock is never below zero, and written every 90 ms.
  static expected<muxer> open(const std::string& format, const std::vector<track>& tracks, writer write,
                              const std::map<std::string, std::string>& options = {});

  muxer(muxer&&) noexcept;
  muxer& operator=(muxer&&) noexcept;
  ~muxer();

  /// The next packet begins a part that a reader can join at: headers are repeated before it.
  expected<void> begin_segment();

  /// Timestamps in `time_base`.
  expected<void> write(const AVPacket& packet);

  /// For "mpegts": nothing has been written for so many ticks. Where its pictures are far apart, the clock is written meanwhile.
  expected<void> pass_time(int64_t ticks);

  /// For "mpegts": packets from now on are of these tracks, in the same stream. Its clock and continuity counters go on. A track of the same kind,
  /// codec and language as one before keeps its PID; one of another codec gets another PID, because receivers keep to the decoder that they have
  /// for a PID. The tables' version counts up where they say something else.
  expected<void> change_tracks(const std::vector<track>& tracks);

  expected<void> finish();

private:
  struct impl;
  explicit muxer(std::unique_ptr<impl> ptr);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::av
