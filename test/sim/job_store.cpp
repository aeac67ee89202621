#include "test/sim/job_store.hpp"

#include "messages/job_states.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

std::string name_of(job_state x) {
  return x == strange_state ? "strange" : to_string(x);
}

} // namespace

core::job_row stored_job::read() const {
  auto result = row;
  for (auto& c : chunks)
    if (c.state == chunk_state::leased)
      result.leased.push_back(c.plan.number);
  return result;
}

std::vector<job_store::result> job_store::apply(const std::vector<store_op>& batch) {
  std::vector<result> results;
  for (auto& x : batch)
    results.push_back(run(x));
  return results;
}

void job_store::remember(int64_t at_ms, const std::vector<result>& results) {
  batches_[at_ms] = results;
}

const std::vector<job_store::result>* job_store::recall(int64_t at_ms) const {
  auto i = batches_.find(at_ms);
  return i == batches_.end() ? nullptr : &i->second;
}

const stored_job* job_store::find(job_id id) const {
  auto i = jobs_.find(id);
  return i == jobs_.end() ? nullptr : &i->second;
}

void job_store::make_strange(job_id id) {
  jobs_.at(id).row.state = strange_state;
}

bool job_store::fits(std::optional<uint32_t> said, uint32_t current, bool fenced) const {
  if (bug_ == plant::no_fence)
    return true;
  return said ? *said == current : !fenced;
}

job_store::result job_store::run(const store_op& x) {
  if (x.what == store_op::kind::submit) {
    stored_job job;
    job.row.id = x.id;
    job.row.number = next_number_++;
    job.row.submitted_ms = x.at_ms;
    job.since = world_.now();
    return jobs_.emplace(x.id, job).second ? result{0} : std::nullopt;
  }
  auto i = jobs_.find(x.id);
  if (i == jobs_.end())
    return {};
  auto& job = i->second;
  auto open = job.row.ended_ms == 0 && job.row.state != strange_state;
  switch (x.what) {
  case store_op::kind::submit:
    break;
  case store_op::kind::move:
    return move(job, x);
  case store_op::kind::chunk:
    return open ? move_chunk(job, x) : std::nullopt;
  case store_op::kind::forget_plan:
  case store_op::kind::plan:
    if (!open || !fits(x.attempt, job.row.attempt, false))
      return {};
    if (x.what == store_op::kind::forget_plan)
      job.chunks.clear();
    for (auto& c : x.chunks)
      job.chunks.push_back({c});
    return job.row.attempt;
  case store_op::kind::remove:
    if (job.row.ended_ms == 0)
      return {};
    removed.insert(x.id);
    jobs_.erase(i);
    return 0;
  }
  return {};
}

job_store::result job_store::move(stored_job& job, const store_op& x) {
  auto& row = job.row;
  auto from = row.state;
  if (from == strange_state || (x.from && x.from != from))
    return {};
  auto* way = find_transition(from, x.to);
  if (way == nullptr || !fits(x.attempt, row.attempt, way->fenced))
    return {};
  if (bug_ == plant::dropped_way && from == job_state::running && x.to == job_state::queued)
    return {};
  world_.trace("job ", row.id.low, ": ", name_of(from), " -> ", name_of(x.to), ", attempt ", row.attempt);
  world_.note(row.id.low * 64 + static_cast<uint64_t>(from) * 8 + static_cast<uint64_t>(x.to));
  // The referee's view.
  if (x.attempt && *x.attempt != row.attempt)
    fail("attempt ", *x.attempt, " moved the job ", row.id.low, ", which is at attempt ", row.attempt);
  if ((from == job_state::paused || from == job_state::failed) && x.to == job_state::queued && !x.by_person)
    fail("the job ", row.id.low, " was ", name_of(from), " and waits again, without a person's word");
  if (from == job_state::completed || from == job_state::cancelled)
    fail("the job ", row.id.low, " was ", name_of(from), " and goes on");
  row.state = x.to;
  row.failures = x.failures.value_or(row.failures);
  row.ended_ms = is_ended(x.to) ? std::max<int64_t>(1, world_.unix_ms()) : 0;
  if (x.to == job_state::assigned)
    ++row.attempt;
  job.since = world_.now();
  return row.attempt;
}

job_store::result job_store::move_chunk(stored_job& job, const store_op& x) {
  auto i = std::find_if(job.chunks.begin(), job.chunks.end(), [&](auto& c) { return c.plan.number == x.number; });
  if (i == job.chunks.end() || !fits(x.life, job.row.attempt, false))
    return {};
  auto* way = find_transition(i->state, x.chunk_to);
  if (way == nullptr || !fits(x.attempt, i->attempt, way->fenced))
    return {};
  if (x.life && *x.life != job.row.attempt)
    fail("attempt ", *x.life, " of the job ", job.row.id.low, " moved a chunk; it is at attempt ", job.row.attempt);
  if (x.attempt && *x.attempt != i->attempt)
    fail("attempt ", *x.attempt, " moved chunk ", x.number, ", which is at attempt ", i->attempt);
  world_.trace("job ", job.row.id.low, " chunk ", x.number, ": ", to_string(i->state), " -> ", to_string(x.chunk_to));
  i->state = x.chunk_to;
  i->plan.done = x.chunk_to == chunk_state::done;
  i->plan.path = x.path;
  i->plan.result = x.result;
  if (x.chunk_to == chunk_state::leased)
    ++i->attempt;
  return i->attempt;
}

} // namespace troupe::sim
