#include "actors/jobs/job_watcher.hpp"

#include "actors/common/actor_of.hpp"
#include "config/waits.hpp"

#include <caf/send.hpp>

#include <chrono>

namespace troupe {

namespace {

constexpr auto subscribe_timeout = config::defaults::coordinator_wait;
constexpr auto again_after = std::chrono::milliseconds{200};

struct job_watcher_state {
  using interface = job_watcher_actor::extend<caf::result<void>(tick_atom)>;

  static inline const char* name = "job_watcher";

  job_watcher_state(interface::pointer self, jobs_actor jobs, job_watcher_functions call)
    : self(self), jobs(std::move(jobs)), call(std::move(call)) {}

  interface::behavior_type make_behavior() {
    self->monitor(jobs);
    self->set_down_handler([this](const caf::down_msg& x) {
      if (jobs == x.source)
        self->quit();
      else
        self->delayed_send(self, again_after, tick_atom_v);
    });
    subscribe();
    return {
      [this](const job_news& x) {
        if (call.news)
          call.news(x);
      },
      [this](tick_atom) { subscribe(); },
    };
  }

  void subscribe() {
    self->request(jobs, subscribe_timeout, job_subscription{job_watcher_actor{self}, call.callbacks_only})
      .then(
        [this] {
          // The sender of this answer is the present queue.
          self->monitor(caf::actor_cast<caf::actor>(self->current_sender()));
          if (call.listening)
            call.listening();
        },
        [this](const caf::error&) { self->delayed_send(self, again_after, tick_atom_v); });
  }

  interface::pointer self;
  jobs_actor jobs;
  job_watcher_functions call;
};

} // namespace

caf::actor spawn_job_watcher(caf::actor_system& system, jobs_actor jobs, job_watcher_functions call) {
  return caf::actor_cast<caf::actor>(system.spawn<actor_of<job_watcher_state>>(std::move(jobs), std::move(call)));
}

} // namespace troupe
