// What the players of HLS and DASH have in common: several threads, each with its own connection, report to one judge.
#pragma once

#include "rig/delivery/watch.hpp"
#include "rig/delivery/web_client.hpp"

#include <mutex>

namespace troupe::bench::delivery {

template <class Judge>
class player {
protected:
  player(const watch_options& options, verdict& to) : options_(options), judge_(to) {}

  bool over() const {
    return clock_.now() >= options_.duration;
  }

  /// Calls `f` with the judge; no other thread uses the judge meanwhile.
  template <class F>
  auto judge(F f) {
    std::lock_guard lock{mutex_};
    return f(judge_);
  }

  watch_options options_;
  run_clock clock_;
  std::mutex mutex_;
  Judge judge_;         ///< guarded by `mutex_`
  watch_result counts_; ///< guarded by `mutex_`
};

} // namespace troupe::bench::delivery
