// What is encoded is decoded again while the encoder goes on: an encoder, a driver or a memory that fails costs one chunk and is known at once, and
// nobody has to decode a whole film at its end.
#pragma once

#include "encoder/codec/decode_check.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace troupe::av {

/// Legal calls: `take` any number of times, `finish` once. A thread of its own works in the pauses of the encoder; where those are too short, the caller
/// does what is left over, and waits for that thread no longer than for one packet.
class chunk_check {
public:
  /// Of `tracks` those are decoded that were `encoded` here. `cores` is how many of them encode.
  chunk_check(const std::vector<track>& tracks, const std::vector<bool>& encoded, int cores);
  chunk_check(const chunk_check&) = delete;
  chunk_check& operator=(const chunk_check&) = delete;
  ~chunk_check();

  /// Times in ticks, `stream_index` of the tracks.
  void take(const AVPacket& packet);

  /// Something is wrong already, and `finish` will say what.
  bool failed() const noexcept {
    return failed_;
  }

  /// Checks the rest. `errc::device` where a decoder does not take what was encoded, `errc::interrupted` once `stop` is set.
  expected<void> finish(const std::atomic<bool>& stop);

private:
  struct checked_track {
    track of;
    std::optional<decode_check> check{}; ///< from the begin to the end, of what is decoded
  };

  void run();
  void help(size_t left, const std::atomic<bool>* stop);
  void check_one();
  expected<void> check(const AVPacket& packet);
  static tl::unexpected<error> wrong(const checked_track& x, error what);

  std::mutex checking_; ///< guards the checks of `tracks_`, and `result_`; before `mutex_` where both are needed
  std::vector<checked_track> tracks_;
  expected<void> result_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_; ///< guards what follows
  std::condition_variable more_;
  std::deque<packet_ptr> queue_;
  bool helped_ = false; ///< the caller is at it
  bool ended_ = false;
  std::thread thread_;
};

} // namespace troupe::av
