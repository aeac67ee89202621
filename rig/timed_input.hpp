// Input for libavformat that records when each byte arrived, and gives up at a deadline.
#pragma once

extern "C" {
#include <libavformat/avio.h>
}

#include "encoder/format_ptr.hpp"
#include "rig/viewing.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace troupe::bench {

/// True for URLs with a scheme other than "file".
bool is_network(const std::string& url);

/// Not movable, because libavformat keeps its address.
class timed_input {
public:
  /// `stop` may be null; otherwise it must outlive this object.
  explicit timed_input(const std::atomic<bool>* stop) : stop_(stop) {}

  timed_input(const timed_input&) = delete;
  timed_input& operator=(const timed_input&) = delete;

  /// True for files and for URLs of one plain byte stream. Other sources (HLS playlists, RTSP) are opened by
  /// libavformat itself, so they have no arrival times.
  static bool can_wrap(const std::string& url);

  /// Returns one of libav*'s codes.
  int open(const std::string& url);

  /// For `AVFormatContext::pb`; this object keeps ownership.
  AVIOContext* context() noexcept {
    return outer_.get();
  }

  AVIOInterruptCB interrupt() noexcept {
    return {&timed_input::interrupted, this};
  }

  void set_deadline(wall_clock::time_point deadline) noexcept {
    deadline_ = deadline;
  }

  bool stopped() const noexcept {
    return stop_ != nullptr && stop_->load();
  }

  std::optional<wall_clock::time_point> first_byte() const noexcept {
    return first_byte_;
  }

  uint64_t bytes() const noexcept {
    return bytes_;
  }

  /// When the byte at `position` arrived; now, if that is unknown. Call it with growing positions.
  wall_clock::time_point arrival(int64_t position);

private:
  struct stretch {
    int64_t end;
    wall_clock::time_point at;
  };

  static int interrupted(void* self);
  static int read(void* self, uint8_t* buffer, int size);
  static int64_t seek(void* self, int64_t offset, int whence);

  const std::atomic<bool>* stop_;
  wall_clock::time_point deadline_ = wall_clock::time_point::max();
  av::url_io_ptr inner_;
  av::callback_io_ptr outer_;
  std::optional<wall_clock::time_point> first_byte_;
  uint64_t bytes_ = 0;
  int64_t position_ = 0;
  std::deque<stretch> log_;
};

} // namespace troupe::bench
