#include "actors/jobs/job_feed.hpp"

#include "messages/job_states.hpp"

#include <caf/actor_cast.hpp>

#include <algorithm>

namespace troupe {

bool job_feed::add(const job_subscription& x) {
  if (watchers_.size() >= watchers_max)
    return false;
  watchers_.push_back(x);
  return true;
}

void job_feed::remove(const caf::actor_addr& x) {
  std::erase_if(watchers_, [&](auto& w) { return w.watcher == x; });
}

bool job_feed::anybody_for_all() const {
  return std::any_of(watchers_.begin(), watchers_.end(), [](auto& w) { return !w.callbacks_only; });
}

void job_feed::wrote(const store::operation& what, const store::outcome& done, int64_t at_ms) {
  if (done.history == 0 || watchers_.empty() || (!done.callback && !anybody_for_all()))
    return;
  job_event x;
  x.id = done.id;
  x.queue = done.queue;
  x.callback = done.callback;
  x.row.number = done.history;
  x.row.at_ms = at_ms;
  x.row.from = done.from;
  x.row.attempt = done.attempt;
  if (auto* submitted = std::get_if<store::submit_job>(&what)) {
    x.row.to = to_string(job_state::queued);
    x.row.why = "submitted";
    x.row.node = submitted->node;
  } else if (auto* moved = std::get_if<store::move_job>(&what)) {
    x.row.to = to_string(moved->to);
    x.row.why = moved->why;
    x.row.node = moved->node;
    if (is_ended(moved->to))
      told_.erase(x.id);
  } else if (auto* chunk = std::get_if<store::move_chunk>(&what)) {
    x.row.chunk = chunk->number;
    x.row.to = to_string(chunk->to);
    x.row.why = chunk->why;
    x.row.node = chunk->node;
  }
  if (x.callback)
    calls_.push_back(x);
  if (anybody_for_all())
    events_.push_back(std::move(x));
}

void job_feed::heard(const job_report& x, job_queue queue, std::chrono::steady_clock::time_point now) {
  if (!anybody_for_all())
    return;
  auto& told = told_[x.id];
  if (now - told < progress_interval)
    return;
  told = now;
  job_event e;
  e.id = x.id;
  e.queue = queue;
  e.status = x.status;
  events_.push_back(std::move(e));
}

} // namespace troupe
