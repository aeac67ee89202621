#include "core/jobs/job_book.hpp"

#include "messages/job_states.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::core {

namespace {

/// The most jobs read in one call: their requests may be large.
constexpr size_t load_max = 32;

/// The most orphans that wait for their jobs: as many tasks as a cluster may run.
constexpr size_t orphans_max = 10'000;

job_way by_a_person(job_step step, job_id id, job_state to, std::string why) {
  job_way x;
  x.step = step;
  x.of.id = id;
  x.to = to;
  x.why = std::move(why);
  return x;
}

/// Back into the queue; earlier failures are forgotten.
job_way queue_again(job_id id, job_state from, std::string why) {
  auto x = by_a_person(job_step::queue_again, id, job_state::queued, std::move(why));
  x.from = from;
  x.failures = 0;
  x.failure = failure_kind::none;
  x.error = std::string{};
  return x;
}

/// A transition of the book's own: written only if the job is still in the state of the row.
job_way own(job_step step, const job_row& of, job_state to, std::string why) {
  job_way x;
  x.step = step;
  x.of = of;
  x.to = to;
  x.from = of.state;
  x.why = std::move(why);
  return x;
}

} // namespace

// -- what people ask for --------------------------------------------------------

job_way job_book::cancel(job_id id) {
  return by_a_person(job_step::cancel, id, job_state::cancelled, "a person cancels it");
}

job_way job_book::pause(job_id id) {
  return by_a_person(job_step::pause, id, job_state::paused, "a person pauses it");
}

job_way job_book::resume(job_id id) {
  return core::queue_again(id, job_state::paused, "a person resumes it");
}

job_way job_book::retry(job_id id) {
  return core::queue_again(id, job_state::failed, "a person has it tried again");
}

void job_book::submitted(job_row x) {
  x.state = job_state::queued;
  x.number = next_number_++;
  enqueue(x);
  effects_.wake();
}

void job_book::removed(job_id id) {
  if (!running_.contains(id))
    effects_.drop_folder(id);
}

// -- the store --------------------------------------------------------------------

void job_book::recover(const job_row& x) {
  next_number_ = std::max(next_number_, x.number + 1);
  switch (x.state) {
  case job_state::queued:
    return enqueue(x);
  case job_state::assigned:
  case job_state::running: {
    // Its chunks stay leased: their tasks may still work on them, and report again.
    running_[x.id] = {.attempt = x.attempt};
    auto m = own(job_step::take_up, x, job_state::queued, "the coordinator was started again");
    m.attempt = x.attempt;
    return effects_.write(m);
  }
  case job_state::paused:
  case job_state::completed:
  case job_state::failed:
  case job_state::cancelled:
    return; // nothing to do until a user asks for it
  }
  effects_.left_alone(x);
}

void job_book::written(const job_way& x, std::optional<uint32_t> attempt) {
  auto id = x.of.id;
  switch (x.step) {
  case job_step::take_up:
    forget_dead(id, x.of.attempt);
    if (!attempt)
      return look_at(id);
    enqueue(x.of);
    return effects_.wake();
  case job_step::assign: {
    // If the transition was refused, a user has paused or cancelled the job meanwhile. If it was made, the job may
    // still have another attempt than expected.
    auto begun = x.of.attempt + 1;
    if (auto* r = alive(id); r != nullptr && r->attempt == begun && attempt != begun)
      effects_.halt(id);
    return;
  }
  case job_step::give_up:
    return look_at(id);
  case job_step::begin_again:
    forget_dead(id, x.of.attempt);
    return look_at(id);
  case job_step::cancel:
    if (!attempt)
      return;
    order_.remove(id);
    if (alive(id) != nullptr)
      effects_.end(id);
    else
      effects_.drop_folder(id);
    return;
  case job_step::pause:
    if (!attempt)
      return;
    order_.remove(id);
    if (alive(id) != nullptr)
      effects_.halt(id);
    return;
  case job_step::queue_again:
    if (!attempt)
      return;
    effects_.use_folder(id);
    // If its actor is still ending, `ended` queues the job later. A row that is being read now may be older than this
    // command, so it is read again.
    if (auto* r = alive(id))
      r->over = false;
    else
      look_at(id);
    return;
  }
}

void job_book::loaded(const std::vector<job_id>& asked, const std::vector<job_row>& found) {
  for (auto id : asked)
    loading_.erase(id);
  for (auto& x : found) {
    if (x.state != job_state::queued)
      settle(x);
    else if (works_)
      assign(x);
    else
      enqueue(x);
  }
}

void job_book::not_loaded(const std::vector<job_id>& asked) {
  for (auto id : asked) {
    loading_.erase(id);
    unsettled_.insert(id);
  }
}

void job_book::look_at(job_id id) {
  ++looks_[id];
  effects_.look(id);
}

void job_book::looked(job_id id, const job_row* found) {
  if (auto i = looks_.find(id); i != looks_.end() && --i->second == 0)
    looks_.erase(i);
  if (found != nullptr)
    return settle(*found);
  order_.remove(id);
  if (auto* r = alive(id)) {
    r->over = true;
    return effects_.halt(id);
  }
  running_.erase(id);
}

void job_book::not_looked(job_id id) {
  if (auto i = looks_.find(id); i != looks_.end() && --i->second == 0)
    looks_.erase(i);
  unsettled_.insert(id);
}

void job_book::store_works(bool works) {
  if (std::exchange(works_, works) != works && works)
    effects_.wake();
}

// -- whose turn it is ---------------------------------------------------------------

void job_book::enqueue(const job_row& x) {
  next_number_ = std::max(next_number_, x.number + 1);
  if (!running_.contains(x.id) && !loading_.contains(x.id))
    order_.add({x.id, x.number, x.queue, x.priority, x.submitted_ms});
}

void job_book::start_due() {
  // No job starts while its start cannot be written.
  while (works_) {
    std::vector<job_id> ids;
    while (running_.size() + loading_.size() < config_.running_max && ids.size() < load_max) {
      auto id = order_.take();
      if (!id)
        break;
      loading_.insert(*id);
      ids.push_back(*id);
    }
    if (ids.empty())
      return;
    effects_.load(ids);
  }
}

void job_book::assign(const job_row& x) {
  if (running_.contains(x.id))
    return; // the job is read again when its present actor has ended
  assert(x.state == job_state::queued);
  auto attempt = x.attempt + 1;
  effects_.write(own(job_step::assign, x, job_state::assigned, "its turn has come"));
  auto turn = order_.turn_of(x.queue, x.priority, x.submitted_ms);
  if (auto why_not = effects_.begin(x, attempt, static_cast<uint64_t>(std::max<int64_t>(0, turn)))) {
    auto m = own(job_step::give_up, x, job_state::failed, "it cannot be begun");
    m.from = job_state::assigned;
    m.attempt = attempt;
    m.failure = failure_kind::terminal;
    m.error = *why_not;
    return effects_.write(m);
  }
  running_[x.id] = {.alive = true, .attempt = attempt};
  std::erase_if(orphans_, [this, id = x.id](const orphan& o) {
    if (o.of == id)
      effects_.hand_over(o.number, id);
    return o.of == id;
  });
}

void job_book::tick() {
  for (auto id : std::exchange(unsettled_, {}))
    look_at(id);
  drop_orphans();
  start_due();
}

// -- jobs at work ---------------------------------------------------------------------

job_book::running* job_book::alive(job_id id) {
  auto i = running_.find(id);
  return i != running_.end() && i->second.alive ? &i->second : nullptr;
}

bool job_book::hears(job_id id, uint32_t attempt) const {
  auto i = running_.find(id);
  return i != running_.end() && i->second.alive && i->second.attempt == attempt;
}

void job_book::said_end(job_id id, job_state how) {
  if (auto* r = alive(id)) {
    r->over = true;
    r->failed = how == job_state::failed;
  }
}

void job_book::end_refused(job_id id) {
  // The actor ends in any case: the job is then read again.
  if (auto* r = alive(id))
    r->over = r->failed = false;
  look_at(id);
}

void job_book::ended(job_id id, uint32_t attempt, int64_t now_ms) {
  auto* r = alive(id);
  if (r == nullptr || r->attempt != attempt)
    return;
  r->alive = false;
  if (!r->over)
    return look_at(id);
  if (r->failed)
    effects_.keep_folder(id, now_ms);
  running_.erase(id);
  effects_.wake();
}

void job_book::leave(job_id id) {
  order_.remove(id);
  running_.erase(id);
}

void job_book::forget_dead(job_id id, uint32_t attempt) {
  auto i = running_.find(id);
  if (i != running_.end() && !i->second.alive && i->second.attempt == attempt)
    running_.erase(i);
}

void job_book::settle(const job_row& x) {
  if (auto* r = alive(x.id)) {
    if (r->attempt == x.attempt && (is_ended(x.state) || x.state == job_state::paused))
      effects_.halt(x.id);
    // Either a user wants the job again, or this row is older than the job's end. In both cases the job is read again
    // when its actor is gone.
    if (!is_ended(x.state))
      r->over = false;
    return;
  }
  if (loading_.contains(x.id))
    return; // what is being read is at least as new
  // Its tasks ended with its actor: nobody must wait for them.
  if (!x.leased.empty() && (x.state == job_state::paused || x.state == job_state::queued)) {
    for (auto number : x.leased)
      effects_.chunk_waits(x, number);
    return look_at(x.id);
  }
  switch (x.state) {
  case job_state::paused:
    leave(x.id);
    return effects_.wake();
  case job_state::failed:
    leave(x.id);
    effects_.keep_folder(x.id, x.ended_ms);
    return effects_.wake();
  case job_state::completed:
  case job_state::cancelled:
    leave(x.id);
    effects_.drop_folder(x.id);
    return effects_.wake();
  case job_state::queued:
    running_.erase(x.id);
    enqueue(x);
    return effects_.wake();
  case job_state::assigned:
  case job_state::running:
    begin_again(x);
    return effects_.wake();
  }
  leave(x.id);
  effects_.left_alone(x);
}

void job_book::begin_again(const job_row& x) {
  assert(alive(x.id) == nullptr);
  order_.remove(x.id);
  running_[x.id] = {.attempt = x.attempt};
  for (auto number : x.leased)
    effects_.chunk_waits(x, number);
  auto again = x.failures < config_.restarts_max;
  auto m = own(job_step::begin_again, x, again ? job_state::queued : job_state::failed, "its actor died");
  m.attempt = x.attempt;
  m.failures = x.failures + 1;
  if (!again) {
    m.failure = failure_kind::transient;
    m.error = "the part of the coordinator that looks after it died several times; its log has the reason";
  }
  effects_.write(m);
}

// -- orphans ------------------------------------------------------------------------------

bool job_book::is_open(job_id id) const {
  return running_.contains(id) || loading_.contains(id) || unsettled_.contains(id) || looks_.contains(id)
         || order_.contains(id);
}

void job_book::offer(uint64_t number, job_id id) {
  if (alive(id) != nullptr)
    return effects_.hand_over(number, id);
  if (!is_open(id) || orphans_.size() >= orphans_max)
    return effects_.turn_away(number, "no job waits for this work");
  orphans_.push_back({number, id});
}

void job_book::drop_orphans() {
  std::erase_if(orphans_, [this](const orphan& x) {
    if (is_open(x.of))
      return false;
    effects_.turn_away(x.number, "its job has ended");
    return true;
  });
}

} // namespace troupe::core
