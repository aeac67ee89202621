// Whether a worker that keeps failing is left alone, for how long, and what it has to show to be trusted again.
//
// - closed: the worker takes work. Failures with so many different inputs within the window open the breaker.
// - open: it takes none until the back-off is over. What still runs there goes on; what of it fails changes nothing.
// - half-open: it takes one task at a time, on trial. A trial that runs well for a while, or ends regularly, closes the
//   breaker and makes the back-off short again; any failure opens it anew, for twice as long. A trial that never came
//   to work decides nothing: the next task is the trial.
//
// Only processes that die or hang are failures, and however many of them one input kills, it counts once: a poisonous file or channel does not take a
// worker away. Errors that a task answers with are those of its order, its source or a disk, and must not be told here.
#pragma once

#include "messages/ids.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::core {

using time_point = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

struct breaker_config {
  uint32_t failures = 3;         ///< with different inputs, that open it within `window`
  milliseconds window{60'000};   ///< how long a failure counts
  milliseconds back_off{10'000}; ///< the first; doubled by each trial that fails
  milliseconds max_back_off{300'000};
  milliseconds well_after{10'000}; ///< a trial that has run so long has run well
};

enum class breaker_state : uint8_t { closed, open, half_open };

/// "closed", "open", "half-open".
std::string_view to_string(breaker_state x);

class breaker {
public:
  explicit breaker(breaker_config config) : config_(config), back_off_(config.back_off) {}

  // -- events -----------------------------------------------------------------

  /// The worker is chosen for this lease. Call only while `takes_work`.
  void chosen(lease_id x);

  /// The lease's task is at work.
  void started(lease_id x, time_point now);

  /// The lease is over: its process died or hung at that input, for that reason.
  void failed(lease_id x, std::string_view input, std::string_view reason, time_point now);

  /// The lease is over: its task did what it was to do.
  void ended_well(lease_id x);

  /// The lease is over, and says nothing of the worker: its task never came to work, or ended with an error.
  void not_used(lease_id x);

  /// The clock.
  void tick(time_point now);

  /// Forgets everything: closed, without failures.
  void reset();

  // -- views ------------------------------------------------------------------

  bool takes_work() const noexcept {
    return state_ == breaker_state::closed || (state_ == breaker_state::half_open && !trial_);
  }

  breaker_state state() const noexcept {
    return state_;
  }

  /// When an open breaker lets the first task through again.
  time_point until() const noexcept {
    return until_;
  }

  /// What opened it; empty while it is closed.
  const std::string& reason() const noexcept {
    return reason_;
  }

  /// Failures that count now: one for each input.
  size_t failures() const noexcept {
    return failures_.size();
  }

private:
  struct failure {
    size_t input; ///< a hash
    time_point at;
  };

  void open(std::string reason, milliseconds back_off, time_point now);
  void close();

  breaker_config config_;
  breaker_state state_ = breaker_state::closed;
  std::deque<failure> failures_; ///< oldest first
  milliseconds back_off_;        ///< of the latest opening
  time_point until_;
  std::string reason_;
  std::optional<lease_id> trial_;
  std::optional<time_point> trial_since_; ///< at work since then
};

} // namespace troupe::core
