// Decodes the encoder's output again while the encoder still runs. A faulty encoder, driver or memory then costs one
// chunk and is detected at once. The whole film need not be decoded at its end.
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

/// Legal calls: `take` any number of times, `finish` once. A separate thread checks while the encoder leaves processors
/// idle. If it falls behind, the caller checks packets itself, and waits only for the thread's current packet.
class chunk_check {
public:
  /// Decodes those of `tracks` that were `encoded` here. `cores` is how many cores encode.
  chunk_check(const std::vector<track>& tracks, const std::vector<bool>& encoded, int cores);
  chunk_check(const chunk_check&) = delete;
  chunk_check& operator=(const chunk_check&) = delete;
  ~chunk_check();

  /// `packet` has its times in ticks; its `stream_index` is an index in `tracks`.
  void take(const AVPacket& packet);

  /// True if a fault was found; `finish` will report it.
  bool failed() const noexcept {
    return failed_;
  }

  /// Checks the remaining packets. `errc::device` if a decoder refuses the encoder's output, `errc::interrupted` once
  /// `stop` is set.
  expected<void> finish(const std::atomic<bool>& stop);

private:
  struct checked_track {
    track of;
    std::optional<decode_check> check{}; ///< only for tracks that are decoded, until they end
  };

  void run();
  void help(size_t left, const std::atomic<bool>* stop);
  void check_one();
  expected<void> check(const AVPacket& packet);
  static tl::unexpected<error> wrong(const checked_track& x, error what);

  std::mutex checking_; ///< guards the checks of `tracks_`, and `result_`; lock it before `mutex_`
  std::vector<checked_track> tracks_;
  expected<void> result_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_; ///< guards the members below
  std::condition_variable more_;
  std::deque<packet_ptr> queue_;
  bool helped_ = false; ///< the caller is working
  bool ended_ = false;
  std::thread thread_;
};

} // namespace troupe::av
