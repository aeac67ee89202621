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

/// Legal calls: `open`, `write` any number of times, `finish` once. Errors are sticky.
class muxer {
public:
  /// Receives the container's bytes in order, on the caller's thread; they are valid for the call.
  using writer = std::function<void(std::span<const std::byte>)>;

  /// `format` is libavformat's name. For "mpegts" timestamps go out as they are (33 bits of them), PAT and PMT
  /// precede each random-access point that `begin_segment` announces, nothing is interleaved or delayed, and each
  /// `write` hands its bytes over before it returns.
  static expected<muxer> open(const std::string& format, const std::vector<track>& tracks, writer write,
                              const std::map<std::string, std::string>& options = {});

  muxer(muxer&&) noexcept;
  muxer& operator=(muxer&&) noexcept;
  ~muxer();

  /// The next packet begins a part that a reader can join at: headers are repeated before it.
  expected<void> begin_segment();

  /// Timestamps in `time_base`.
  expected<void> write(const AVPacket& packet);

  expected<void> finish();

private:
  struct impl;
  explicit muxer(std::unique_ptr<impl> ptr);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::av
