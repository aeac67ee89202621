// Follows all representations of a DASH channel, each in a thread with its own connection, for the judge.
#pragma once

#include "rig/delivery/dash_judge.hpp"
#include "rig/delivery/watch.hpp"
#include "rig/delivery/web_client.hpp"

#include <atomic>
#include <mutex>

namespace troupe::bench::delivery {

class dash_player {
public:
  dash_player(const watch_options& options, verdict& to) : options_(options), judge_(to) {}

  /// Adds to the counts of `to`.
  void run(watch_result& to);

private:
  bool over() const {
    return clock_.now() >= options_.duration;
  }

  template <class F>
  auto judge(F f) {
    std::lock_guard lock{mutex_};
    return f(judge_);
  }

  /// Loads the manifest again and again, until the end or until it is static.
  void load_manifests(web_client& client, const mpd& first);
  void follow(const std::string& representation);

  watch_options options_;
  run_clock clock_;
  std::mutex mutex_;
  dash_judge judge_;    ///< guarded by `mutex_`
  watch_result counts_; ///< the same
};

} // namespace troupe::bench::delivery
