// The jobs at work: from their turn to their end.
#include "actors/common/actor_of.hpp"
#include "actors/jobs/job_queue.hpp"
#include "actors/jobs/job_text.hpp"
#include "messages/job_states.hpp"
#include "messages/unix_time.hpp"
#include "telemetry/log.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// Longer than any orphan waits: it ends by itself before.
constexpr auto orphan_timeout = std::chrono::hours{24};

/// Jobs that are read at once: their requests may be large.
constexpr size_t load_max = 32;

/// Tasks that wait for their jobs to go on: as many as a cluster may have at work.
constexpr size_t orphans_max = 10'000;

} // namespace

void job_queue_state::enqueue(const store::job& x) {
  if (running_.contains(x.id) || loading_.contains(x.id))
    return;
  order_.add({x.id, x.number, x.queue, x.priority, x.submitted_ms});
}

void job_queue_state::wake() {
  if (!std::exchange(woken_, true))
    self_->send(self_, finish_atom_v);
}

void job_queue_state::start_due() {
  // What cannot be written down is not begun.
  while (!journal_.outage()) {
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
    load(std::move(ids));
  }
}

void job_queue_state::load(std::vector<job_id> ids) {
  self_->request(jobs_, read_timeout, ids)
    .then(
      [this, ids](loaded_jobs& found) {
        for (auto id : ids)
          loading_.erase(id);
        for (auto& x : found.jobs)
          if (x.the_job.state == job_state::queued)
            assign(x);
      },
      [this, ids](const caf::error& why) {
        log::warning("jobs cannot be read", {{"reason", caf::to_string(why)}});
        for (auto id : ids) {
          loading_.erase(id);
          unsettled_.insert(id);
        }
      });
}

void job_queue_state::assign(const store::open_job& x) {
  auto& job = x.the_job;
  auto id = job.id;
  auto attempt = job.attempt + 1;
  auto m = own_way(id, job_state::assigned, "its turn has come");
  journal_.write(std::move(m), [this, id, attempt](const store::expected<store::outcome>& done) {
    // Somebody has paused or cancelled it in between, or this is not the attempt that was expected.
    auto i = running_.find(id);
    if ((!done || done->attempt != attempt) && i != running_.end() && i->second.attempt == attempt && i->second.actor)
      self_->send(i->second.actor, pause_atom_v);
  });
  auto order = to_order(job.request);
  tl::expected<job_actor, std::string> made = tl::unexpected<std::string>{
    "its request cannot be read: another version of this program wrote it; submit it again"};
  if (order) {
    job_begin begin{id, attempt, job.name, std::move(*order), folders_.path(id), x.chunks};
    begin.waited = std::chrono::milliseconds{std::max<int64_t>(0, unix_ms() - job.submitted_ms)};
    begin.turn = static_cast<uint64_t>(std::max<int64_t>(0, order_.turn_of(job.queue, job.priority, job.submitted_ms)));
    made = config_.factory->make(self_->home_system(), std::move(begin), job_journal_actor{self_}, coordinator_);
  }
  if (!made) {
    auto end = own_way(id, job_state::failed, "it cannot be begun");
    end.attempt = attempt;
    end.changes.failure = failure_kind::terminal;
    end.changes.error = made.error();
    return journal_.write(std::move(end));
  }
  self_->monitor(*made);
  auto& actor = running_[id] = worked_on{.actor = std::move(*made), .attempt = attempt, .queue = job.queue};
  for (auto& x : std::exchange(orphans_, {})) {
    if (x.work.job != id)
      orphans_.push_back(std::move(x));
    else
      self_->request(actor.actor, orphan_timeout, x.who, x.work, x.task)
        .then([answer = x.answer]() mutable { answer.deliver(); },
              [answer = x.answer](caf::error& why) mutable { answer.deliver(std::move(why)); });
  }
}

caf::result<void> job_queue_state::take_in(const task_join& who, const file_work& work, const orphan_actor& task) {
  auto i = running_.find(work.job);
  if (i != running_.end() && i->second.actor)
    return self_->delegate(i->second.actor, who, work, task);
  if ((i == running_.end() && !loading_.contains(work.job) && !order_.contains(work.job))
      || orphans_.size() >= orphans_max)
    return caf::make_error(ec::refused, "no job waits for this work");
  auto answer = self_->make_response_promise<void>();
  orphans_.push_back({who, work, task, answer});
  return answer;
}

void job_queue_state::drop_orphans() {
  std::erase_if(orphans_, [this](orphan& x) {
    auto id = x.work.job;
    if (running_.contains(id) || loading_.contains(id) || unsettled_.contains(id) || order_.contains(id))
      return false;
    x.answer.deliver(caf::make_error(ec::refused, "its job has ended"));
    return true;
  });
}

void job_queue_state::take(const job_writes& x, caf::typed_response_promise<void> answer) {
  auto i = running_.find(x.id);
  if (i == running_.end() || i->second.attempt != x.attempt || x.operations.empty())
    return answer.deliver();
  for (auto& operation : x.operations) {
    auto* move = std::get_if<store::move_job>(&operation);
    auto end = move != nullptr && is_ended(move->to);
    auto last = &operation == &x.operations.back();
    i->second.over = i->second.over || end;
    i->second.failed = i->second.failed || (end && move->to == job_state::failed);
    if (!end && !last) {
      journal_.write(operation);
      continue;
    }
    // What is refused was overtaken by a person's word.
    auto written = [this, answer, id = x.id, end, last](const store::expected<store::outcome>& done) mutable {
      if (end && !done)
        look_at(id);
      if (last)
        answer.deliver();
    };
    journal_.write(operation, std::move(written));
  }
}

void job_queue_state::on_down(const caf::down_msg& x) {
  if (coordinator_ == x.source) {
    self_->quit(x.reason);
    return;
  }
  feed_.remove(x.source);
  // What it said last may still be in the mailbox.
  for (auto& [id, job] : running_)
    if (job.actor == x.source)
      self_->send(self_, end_atom_v, id, job.attempt);
}

void job_queue_state::ended(job_id id, uint32_t attempt) {
  auto i = running_.find(id);
  if (i == running_.end() || i->second.attempt != attempt)
    return;
  i->second.actor = nullptr;
  if (i->second.over) {
    if (i->second.failed)
      folders_.keep(id, unix_ms());
    running_.erase(i);
    return wake();
  }
  look_at(id);
}

void job_queue_state::look_at(job_id id) {
  auto again = [this, id](const caf::error&) { unsettled_.insert(id); };
  journal_.after([this, id, again] {
    self_->request(jobs_, read_timeout, std::vector<job_id>{id})
      .then(
        [this, id](loaded_jobs& found) {
          if (!found.jobs.empty())
            return settle(found.jobs.front());
          order_.remove(id);
          running_.erase(id);
        },
        again);
  });
}

void job_queue_state::settle(const store::open_job& x) {
  auto& job = x.the_job;
  auto i = running_.find(job.id);
  if (i != running_.end() && i->second.actor) {
    if (i->second.attempt == job.attempt && (is_ended(job.state) || job.state == job_state::paused))
      self_->send(i->second.actor, pause_atom_v);
    return;
  }
  // Its tasks were ended with it: nobody is to wait for them.
  auto left = false;
  if (job.state == job_state::paused || job.state == job_state::queued)
    for (auto& c : x.chunks)
      if (c.state == chunk_state::leased) {
        left = true;
        journal_.write(way(job.id, c.number, chunk_state::waiting, "its job begins anew"));
      }
  if (left)
    return look_at(job.id);
  auto leave = [this, &job] {
    order_.remove(job.id);
    running_.erase(job.id);
  };
  switch (job.state) {
  case job_state::paused:
    leave();
    return wake();
  case job_state::failed:
    leave();
    folders_.keep(job.id, job.ended_ms);
    return wake();
  case job_state::completed:
  case job_state::cancelled:
    leave();
    folders_.drop(job.id);
    return wake();
  case job_state::queued:
    running_.erase(job.id);
    enqueue(job);
    return wake();
  case job_state::assigned:
  case job_state::running:
    if (!loading_.contains(job.id))
      begin_again(x);
    return wake();
  }
  leave();
  say_unknown(job);
}

void job_queue_state::begin_again(const store::open_job& x) {
  auto& job = x.the_job;
  running_[job.id] = {.attempt = job.attempt, .queue = job.queue};
  for (auto& c : x.chunks)
    if (c.state == chunk_state::leased)
      journal_.write(way(job.id, c.number, chunk_state::waiting, "its job begins anew"));
  auto again = job.failures < config_.job_restarts_max;
  auto m = own_way(job.id, again ? job_state::queued : job_state::failed, "its actor died");
  m.attempt = job.attempt;
  m.changes.failures = job.failures + 1;
  if (!again) {
    m.changes.failure = failure_kind::transient;
    m.changes.error = "the part of the coordinator that looks after it died several times; its log has the reason";
  }
  journal_.write(std::move(m), [this, id = job.id](const store::expected<store::outcome>&) {
    running_.erase(id);
    look_at(id);
  });
}

} // namespace troupe
