// The watchers of file jobs, and the events for them. Owned by the job queue, which passes on what it has stored, and
// what jobs have reported.
#pragma once

#include "actors/jobs/job_events.hpp"
#include "actors/jobs/job_views.hpp"

#include <caf/actor_addr.hpp>
#include <caf/event_based_actor.hpp>

#include <chrono>
#include <map>
#include <vector>

namespace troupe {

class job_feed {
public:
  /// A job's progress is reported at most twice a second.
  static constexpr auto progress_interval = std::chrono::milliseconds{500};

  static constexpr size_t watchers_max = 64;

  /// False if the limit of watchers is reached. Call `remove` for each watcher that dies.
  bool add(const job_subscription& x);
  void remove(const caf::actor_addr& x);

  bool empty() const noexcept {
    return watchers_.empty();
  }

  /// An operation that was stored, and its outcome.
  void wrote(const store::operation& what, const store::outcome& done, int64_t at_ms);

  void heard(const job_report& x, job_queue queue, std::chrono::steady_clock::time_point now);

  /// Sends the collected events to the watchers.
  template <class Self>
  void send(Self* self) {
    if (!events_.empty())
      for (auto& w : watchers_)
        if (!w.callbacks_only)
          self->send(w.watcher, job_news{events_});
    if (!calls_.empty())
      for (auto& w : watchers_)
        if (w.callbacks_only)
          self->send(w.watcher, job_news{calls_});
    events_.clear();
    calls_.clear();
  }

private:
  bool anybody_for_all() const;

  std::vector<job_subscription> watchers_;
  std::vector<job_event> events_;
  std::vector<job_event> calls_; ///< events of jobs with a callback
  std::map<job_id, std::chrono::steady_clock::time_point> told_;
};

} // namespace troupe
