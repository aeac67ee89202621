// Notices when a receiver stops taking what it is sent.
//
// Silence counts only while an answer is outstanding. The timeout adapts to the stream's own rhythm, like TCP's
// retransmission timer (RFC 6298: smoothed interval plus four times its deviation), within limits.
#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>
#include <optional>

namespace troupe::core {

using time_point = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

struct watchdog_limits {
  milliseconds least{500}; ///< silence that is never taken for a stall
  milliseconds most{5000}; ///< silence that is always a stall; also the timeout until a rhythm is known

  bool operator==(const watchdog_limits&) const = default;
};

class watchdog {
public:
  explicit watchdog(watchdog_limits limits = {}) : limits_(limits) {}

  /// Something was sent; from now on an answer is due.
  void sent(time_point now) {
    if (!waiting_since_)
      waiting_since_ = now;
  }

  /// An answer came; `more` says whether others are still due.
  void answered(bool more, time_point now) {
    assert(!waiting_since_ || *waiting_since_ <= now);
    if (waiting_since_)
      learn(now - *waiting_since_);
    waiting_since_.reset();
    if (more)
      waiting_since_ = now;
  }

  /// The alarm was false: from now on the timeout is doubled.
  void forgive(time_point now) {
    patience_ = std::min(patience_ * 2, 16);
    if (waiting_since_)
      waiting_since_ = now;
  }

  milliseconds limit() const noexcept {
    if (answers_ < answers_for_a_rhythm)
      return limits_.most;
    auto silence = std::chrono::duration<double, std::milli>((smoothed_ + 4 * deviation_) * patience_);
    return std::clamp(std::chrono::duration_cast<milliseconds>(silence),
                      std::min(limits_.least * patience_, limits_.most), limits_.most);
  }

  /// How long an answer has been due.
  milliseconds silence(time_point now) const noexcept {
    return waiting_since_ ? std::chrono::duration_cast<milliseconds>(now - *waiting_since_) : milliseconds{0};
  }

  bool stalled(time_point now) const noexcept {
    return silence(now) > limit();
  }

private:
  static constexpr int answers_for_a_rhythm = 8;

  void learn(std::chrono::steady_clock::duration interval) {
    auto x = std::chrono::duration<double, std::milli>(interval).count();
    if (answers_ == 0) {
      smoothed_ = x;
      deviation_ = x / 2;
    } else {
      deviation_ += (std::abs(smoothed_ - x) - deviation_) / 4;
      smoothed_ += (x - smoothed_) / 8;
    }
    answers_ = std::min(answers_ + 1, answers_for_a_rhythm);
  }

  watchdog_limits limits_;
  std::optional<time_point> waiting_since_;
  int answers_ = 0;
  int patience_ = 1;
  double smoothed_ = 0;  ///< ms
  double deviation_ = 0; ///< ms
};

} // namespace troupe::core
