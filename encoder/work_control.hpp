// How a long piece of work on a file is watched and stopped.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace troupe::av {

struct work_progress {
  uint64_t frames = 0;  ///< pictures written so far, or audio packets if there are no pictures
  uint64_t bytes = 0;   ///< written, or read if nothing is written
  int64_t position = 0; ///< the current position on the source's timeline, in ticks
  double done = 0;      ///< estimated share of the work, 0 to 1
};

struct work_control {
  /// Set by another thread to end the work early, with `errc::interrupted`. Must outlive the work.
  const std::atomic<bool>& stop;

  /// Called on the working thread a few times a second. May be empty.
  std::function<void(const work_progress&)> report{};
};

/// Limits how often progress is reported. The first report that has frames passes at once.
class report_gate {
public:
  static constexpr std::chrono::milliseconds interval{200};

  explicit report_gate(const work_control& control) : control_{control} {}

  bool stopped() const noexcept {
    return control_.stop.load(std::memory_order_relaxed);
  }

  template <class F>
  void poll(F&& make) {
    if (!control_.report)
      return;
    auto now = std::chrono::steady_clock::now();
    if (now - last_ < interval && begun_)
      return;
    auto progress = make();
    if (now - last_ < interval && progress.frames == 0)
      return;
    begun_ = begun_ || progress.frames > 0;
    last_ = now;
    control_.report(progress);
  }

private:
  const work_control& control_;
  bool begun_ = false; ///< a first frame was reported
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

} // namespace troupe::av
