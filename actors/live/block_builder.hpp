// Collects single packets into blocks, which cross a node in one message.
#pragma once

#include "encoder/av_ptr.hpp"
#include "encoder/track.hpp"
#include "messages/media.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace troupe {

/// Collects packets into blocks. A new block starts at each random-access point, at `bytes_max`, and before a
/// non-closed sample that follows a closed one. So if a block has closed samples, the last one is closed.
///
/// If there is video, only its random-access points are marked: clients can join there. Without video, clients could
/// join at any audio packet; one packet in half a second is marked.
class block_builder {
public:
  using emit = std::function<void(sample_block)>;

  explicit block_builder(emit out) : out_(std::move(out)) {}

  void set_tracks(const std::vector<av::track>& tracks);

  void add(const AVPacket& packet);

  /// Emits the collected packets.
  void flush();

private:
  static constexpr size_t bytes_max = 64 * 1024;

  emit out_;
  bool has_video_ = false;
  std::vector<bool> video_;
  int64_t marked_pts_ = no_timestamp;
  std::vector<sample> samples_;
  shared_bytes::container bytes_;
};

} // namespace troupe
