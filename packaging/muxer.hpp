// Writes packets into a container and gives its bytes to a callback.
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
  /// Receives the container's bytes in order, on the caller's thread. They are valid during the call.
  using writer = std::function<void(std::span<const std::byte>)>;

  /// `format` is libavformat's name. For "mpegts", timestamps are written unchanged (33 bits of them). PAT and PMT
  /// precede each random-access point that `begin_segment` announces. Nothing is interleaved or delayed, and each
  /// `write` delivers its bytes before it returns. A track of splice information takes sections, whose time becomes
  /// that of their packet. Text of subtitles (WebVTT) is left out. The clock is never negative, and is written every
  /// 90 ms.
  static expected<muxer> open(const std::string& format, const std::vector<track>& tracks, writer write,
                              const std::map<std::string, std::string>& options = {});

  muxer(muxer&&) noexcept;
  muxer& operator=(muxer&&) noexcept;
  ~muxer();

  /// The next packet begins a part at which a reader can join: headers are repeated before it.
  expected<void> begin_segment();

  /// Timestamps in `time_base`.
  expected<void> write(const AVPacket& packet);

  /// For "mpegts": nothing was written for this many ticks. If pictures are far apart, the clock is written in the
  /// meantime.
  expected<void> pass_time(int64_t ticks);

  /// For "mpegts": later packets belong to these tracks, in the same stream. Clock and continuity counters continue. A
  /// track keeps its PID if an earlier one has the same kind, codec and language. A track of another codec gets another
  /// PID, because receivers keep their decoder for a PID. The tables' version is incremented if they change.
  expected<void> change_tracks(const std::vector<track>& tracks);

  expected<void> finish();

private:
  struct impl;
  explicit muxer(std::unique_ptr<impl> ptr);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::av
