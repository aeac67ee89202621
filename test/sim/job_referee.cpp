// The referee of the simulated jobs: what must never happen, and what must be true in the end.
#include "test/sim/job_node.hpp"

#include "messages/job_states.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

/// Within this time every part must have learned of a durable change and acted on it.
constexpr duration calm_after = 12s;

/// This long after a pause or cancel, no new work may start.
constexpr duration heeded_after = 6s;

bool is_over(const stored_job* x) {
  return x == nullptr || x->row.ended_ms != 0;
}

} // namespace

void job_world::check_begin(job_id id, bool outage) const {
  if (outage)
    fail("the job ", id.low, " begins while the store does not work");
  auto* row = store_.find(id);
  if (row != nullptr && row->row.state == strange_state)
    fail("the job ", id.low, " begins, whose state is not known");
  auto at_work = jobs.size();
  if (at_work + 1 > running_max)
    fail("the job ", id.low, " begins while ", at_work, " are at work and ", running_max, " may be");
  for (auto& x : jobs)
    if (x->id == id)
      fail("the job ", id.low, " begins while attempt ", x->attempt, " of it is at work");
}

void job_world::check_encode(const job_node& by, const chunk_work& x) const {
  auto* job = store_.find(by.id);
  if (is_over(job))
    return;
  for (auto& c : job->chunks) {
    if (c.plan.number != x.number || c.state != chunk_state::done || by.spoiled.contains(c.plan.path))
      continue;
    if (auto file = disk.find(c.plan.path); file != disk.end() && file->second.whole)
      fail("chunk ", x.number, " of the job ", by.id.low,
           " is encoded again, though it is finished, durable and whole");
  }
}

void job_world::check_spoiled(job_id id, const std::string& path) const {
  auto file = disk.find(path);
  // If an encoder is lost, everything that it made is made again.
  if (file != disk.end() && file->second.whole && !cards)
    fail("the file ", path, " of the job ", id.low, " is given up, though it is whole");
}

void job_world::check_assembly(job_id id, const assemble_work& x) const {
  auto* job = store_.find(id);
  if (is_over(job) || job->row.state == job_state::paused)
    return; // a user's command is durable, but still on its way to the job
  std::set<std::string> durable;
  for (auto& c : job->chunks)
    if (c.state == chunk_state::done)
      durable.insert(c.plan.path);
  for (auto* parts : {&x.video, &x.audio})
    for (auto& c : *parts)
      if (!durable.contains(c.path))
        fail("the result of the job ", id.low, " is made before the store knows of its chunk ", c.number);
  if (job->row.state != job_state::running && job->row.state != job_state::queued)
    fail("the result of the job ", id.low, " is made while the store has it as ", to_string(job->row.state));
}

void job_world::check_publication(job_id id) {
  auto* job = store_.find(id);
  count("published");
  if (job != nullptr && job->row.state == job_state::completed)
    fail("the job ", id.low, " is published again, though it is complete");
  check_not_stopped(id, "its result is published");
}

void job_world::check_not_stopped(job_id id, const char* doing) const {
  auto* job = store_.find(id);
  if (job == nullptr || (job->row.state != job_state::paused && job->row.state != job_state::cancelled))
    return;
  if (world_.now() - std::max(job->since, calm_since_) > heeded_after)
    fail("the job ", id.low, " is ", to_string(job->row.state), ", and ", doing);
}

void job_world::check_calm() {
  if (queue)
    queue->check_orphans();
  if (store_.out || !queue || queue->outage())
    shake();
  for (auto& x : jobs) {
    auto* job = store_.find(x->id);
    if (!is_over(job) && job->row.state != job_state::paused) {
      stopped_since_.erase(x->owner);
      continue;
    }
    auto since = stopped_since_.emplace(x->owner, world_.now()).first->second;
    if (world_.now() - std::max(since, calm_since_) > calm_after)
      fail("the job ", x->id.low, " is ", job == nullptr ? "removed" : to_string(job->row.state),
           ", and still at work");
  }
}

bool job_world::all_ended() const {
  return std::all_of(store_.all().begin(), store_.all().end(), [](auto& kv) {
    auto& row = kv.second.row;
    return row.ended_ms != 0 || row.state == job_state::paused || row.state == strange_state;
  });
}

void job_world::check_end() const {
  for (auto& [id, job] : store_.all())
    if (job.row.ended_ms == 0 && job.row.state != job_state::paused && job.row.state != strange_state)
      fail("the job ", id.low, " is ", to_string(job.row.state), " for good");
  for (auto id : confirmed)
    if (!store_.all().contains(id) && !store_.removed.contains(id))
      fail("the job ", id.low, " is lost");
  if (!jobs.empty())
    fail("all jobs have ended, and ", jobs.size(), " actors are left");
  if (registry && registry->leases() != 0)
    fail("all jobs have ended, and ", registry->leases(), " leases are given");
}

} // namespace troupe::sim
