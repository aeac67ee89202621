#include "core/jobs/job_order.hpp"

namespace troupe::core {

namespace {

constexpr int64_t priorities = static_cast<int64_t>(job_priority::batch) + 1;

/// 0 is the most urgent class.
int64_t class_of(job_queue queue, job_priority priority) {
  return static_cast<int64_t>(queue) * priorities + static_cast<int64_t>(priority);
}

} // namespace

int64_t job_order::turn_of(job_queue queue, job_priority priority, int64_t submitted_ms) const noexcept {
  return submitted_ms + config_.aging_step.count() * class_of(queue, priority);
}

bool job_order::add(const waiting_job& x) {
  place at{turn_of(x.queue, x.priority, x.submitted_ms), x.number, x.id};
  if (!places_.emplace(x.id, at).second)
    return false;
  ready_.insert(at);
  return true;
}

bool job_order::remove(job_id id) {
  auto i = places_.find(id);
  if (i == places_.end())
    return false;
  ready_.erase(i->second);
  places_.erase(i);
  return true;
}

std::optional<job_id> job_order::take() {
  if (ready_.empty())
    return {};
  auto id = ready_.begin()->id;
  ready_.erase(ready_.begin());
  places_.erase(id);
  return id;
}

} // namespace troupe::core
