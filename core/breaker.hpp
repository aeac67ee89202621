// A circuit breaker for one worker: whether a worker that keeps failing is avoided, for how long, and how it regains
// trust.
//
// - closed: the worker takes work. Failures with enough different inputs within the window open the breaker.
// - open: the worker takes no work until the back-off is over. Its running tasks continue; their failures are ignored.
// - half-open: the worker takes one task at a time, on trial. A trial that runs well for a while, or ends regularly,
//   closes the breaker and resets the back-off. Any failure opens the breaker again, for twice as long. A trial that
//   never started is ignored: the next task is the trial.
//
// Only processes that die or hang are failures, and an input counts once, however many processes it kills. So one
// poisonous file or channel does not exclude a worker. Do not report errors that a task answers with: they are caused
// by its order, its source or a disk.
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
  uint32_t failures = 3;         ///< with different inputs within `window`: they open the breaker
  milliseconds window{60'000};   ///< how long a failure counts
  milliseconds back_off{10'000}; ///< the first; doubled by each trial that fails
  milliseconds max_back_off{300'000};
  milliseconds well_after{10'000}; ///< a trial that has run this long has run well

  bool operator==(const breaker_config&) const = default;
};

enum class breaker_state : uint8_t { closed, open, half_open };

/// "closed", "open", "half-open".
std::string_view to_string(breaker_state x);

class breaker {
public:
  explicit breaker(breaker_config config) : config_(config), back_off_(config.back_off) {}

  // -- events -----------------------------------------------------------------

  /// The worker was chosen for this lease. Call only if `takes_work`.
  void chosen(lease_id x);

  /// The lease's task is working.
  void started(lease_id x, time_point now);

  /// The lease is over: its process died or hung while working on this input, for this reason.
  void failed(lease_id x, std::string_view input, std::string_view reason, time_point now);

  /// The lease is over: its task completed its work.
  void ended_well(lease_id x);

  /// The lease is over and says nothing about the worker: its task never started to work, or ended with an error.
  void not_used(lease_id x);

  /// The clock.
  void tick(time_point now);

  /// Forgets everything: the breaker is closed, without failures.
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

  /// What opened the breaker; empty while closed.
  const std::string& reason() const noexcept {
    return reason_;
  }

  /// Failures that currently count: one for each input.
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
  std::optional<time_point> trial_since_; ///< working since then
};

} // namespace troupe::core
