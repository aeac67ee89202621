// Follows all renditions of an HLS channel, each in a thread with its own connection, for the judge.
#pragma once

#include "rig/delivery/hls_judge.hpp"
#include "rig/delivery/watch.hpp"
#include "rig/delivery/web_client.hpp"

#include <mutex>

namespace troupe::bench::delivery {

class hls_player {
public:
  hls_player(const watch_options& options, verdict& to) : options_(options), judge_(to) {}

  /// Adds to the counts of `to`.
  void run(watch_result& to);

private:
  struct follower;

  bool over() const {
    return clock_.now() >= options_.duration;
  }

  /// Calls `f` with the judge, as the only one.
  template <class F>
  auto judge(F f) {
    std::lock_guard lock{mutex_};
    return f(judge_);
  }

  void wait(seconds time) const;
  void probe_requests(const std::string& rendition);

  watch_options options_;
  run_clock clock_;
  std::mutex mutex_;
  hls_judge judge_;     ///< guarded by `mutex_`
  watch_result counts_; ///< the same
};

} // namespace troupe::bench::delivery
