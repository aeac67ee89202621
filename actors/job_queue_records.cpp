// Those who watch jobs, and the callbacks that are written down.
#include "actors/actor_of.hpp"
#include "actors/job_queue.hpp"

namespace troupe {

namespace {

constexpr auto read_timeout = std::chrono::seconds{30};

} // namespace

caf::result<void> job_queue_state::subscribe(const job_subscription& x) {
  if (!feed_.add(x))
    return caf::make_error(ec::limit, "as many watch the jobs as may");
  self_->monitor(x.watcher);
  return caf::unit;
}

caf::result<job_replay> job_queue_state::replay(const job_replay_question& x) {
  auto answer = self_->make_response_promise<job_replay>();
  self_->request(pages_, read_timeout, x)
    .then(
      [this, answer](job_replay& found) mutable {
        if (found.job)
          if (auto i = running_.find(found.job->job.id); i != running_.end())
            found.job->status = i->second.status;
        answer.deliver(std::move(found));
      },
      [answer](caf::error& why) mutable { answer.deliver(std::move(why)); });
  return answer;
}

caf::result<void> job_queue_state::settle(const callback_outcome& x) {
  return change(store::edit_callback{x.id, x.delivery, x.tries, x.not_before_ms, x.done, x.note}, {});
}

} // namespace troupe
