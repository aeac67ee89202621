// The watchers of jobs, and the stored callbacks.
#include "actors/common/actor_of.hpp"
#include "actors/common/relay.hpp"
#include "actors/jobs/job_queue.hpp"

#include <algorithm>

namespace troupe {

caf::result<void> job_queue_state::subscribe(const job_subscription& x) {
  if (!feed_.add(x))
    return caf::make_error(ec::limit, "as many watch the jobs as may");
  self_->monitor(x.watcher);
  return caf::unit;
}

caf::result<job_replay> job_queue_state::replay(const job_replay_question& x) {
  auto complete = [this](job_replay& found) {
    if (found.job)
      found.job->status = status_of(found.job->job.id);
  };
  return relay<job_replay>(self_, pages_, read_timeout, complete, x);
}

caf::result<void> job_queue_state::settle(const callback_outcome& x) {
  return change(store::edit_callback{x.id, x.delivery, x.tries, x.not_before_ms, x.done, x.note}, {});
}

void job_queue_state::count(const store::operation& what, const store::outcome& done) {
  if (!config_.counts)
    return;
  auto& to = *config_.counts;
  if (std::holds_alternative<store::submit_job>(what)) {
    if (!done.existed)
      to.submitted();
  } else if (auto* job = std::get_if<store::move_job>(&what)) {
    if (job->to == job_state::completed)
      to.completed();
    else if (job->to == job_state::failed)
      to.failed();
    else if (job->to == job_state::cancelled)
      to.cancelled();
  } else if (auto* chunk = std::get_if<store::move_chunk>(&what); chunk != nullptr && chunk->result) {
    to.chunk_encoded(chunk->result->frames);
  }
}

/// If a job runs again, its counts start at 0.
void job_queue_state::count(const core::file_job_status& before, const core::file_job_status& now) {
  if (!config_.counts)
    return;
  config_.counts->chunks_given_back(now.given_back - std::min(before.given_back, now.given_back));
  config_.counts->retried(now.retries - std::min(before.retries, now.retries));
}

} // namespace troupe
