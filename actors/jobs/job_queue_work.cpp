// Carries out the effects of the job book, and handles the messages of running jobs.
#include "actors/common/actor_of.hpp"
#include "actors/jobs/job_queue.hpp"
#include "actors/jobs/job_rows.hpp"
#include "actors/jobs/job_text.hpp"
#include "config/waits.hpp"
#include "messages/job_states.hpp"
#include "messages/unix_time.hpp"
#include "telemetry/log.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// Longer than any orphan waits for a job: the orphan ends by itself earlier.
constexpr auto orphan_timeout = config::defaults::outer_wait(config::defaults::patient_wait);

} // namespace

// -- core::job_book_effects: the store ------------------------------------------

void job_queue_state::write(const core::job_way& x) {
  write(to_operation(x),
        [this, x](const store_answer& done) { book_.written(x, done ? std::optional{done->attempt} : std::nullopt); });
}

void job_queue_state::chunk_waits(const core::job_row& of, uint32_t number) {
  auto m = way(of.id, number, chunk_state::waiting, "its job begins anew");
  m.life = of.attempt;
  write(std::move(m));
}

void job_queue_state::load(const std::vector<job_id>& ids) {
  self_->request(storage_.jobs, read_timeout, ids)
    .then(
      [this, ids](const loaded_jobs& found) {
        std::vector<core::job_row> rows;
        for (auto& x : found.jobs)
          rows.push_back(row_of(x));
        at_hand_ = &found;
        book_.loaded(ids, rows);
        at_hand_ = nullptr;
      },
      [this, ids](const caf::error& why) {
        log::warning("jobs cannot be read", {{"reason", caf::to_string(why)}});
        book_.not_loaded(ids);
      });
}

void job_queue_state::look(job_id id) {
  journal_.after([this, id] {
    self_->request(storage_.jobs, read_timeout, std::vector<job_id>{id})
      .then(
        [this, id](const loaded_jobs& found) {
          if (found.jobs.empty())
            return book_.looked(id, nullptr);
          auto row = row_of(found.jobs.front());
          book_.looked(id, &row);
        },
        [this, id](const caf::error&) { book_.not_looked(id); });
  });
}

// -- core::job_book_effects: running jobs -----------------------------------------

std::optional<std::string> job_queue_state::begin(const core::job_row& x, uint32_t attempt, uint64_t turn) {
  auto found =
    std::find_if(at_hand_->jobs.begin(), at_hand_->jobs.end(), [&](auto& j) { return j.the_job.id == x.id; });
  auto& job = found->the_job;
  auto order = to_order(job.request);
  if (!order)
    return "its request cannot be read: another version of this program wrote it; submit it again";
  job_begin begin{x.id, attempt, job.name, std::move(*order), folders_.path(x.id), found->chunks};
  begin.waited = std::chrono::milliseconds{std::max<int64_t>(0, unix_ms() - x.submitted_ms)};
  begin.turn = turn;
  auto made = config_.factory->make(self_->home_system(), std::move(begin), job_journal_actor{self_}, coordinator_);
  if (!made)
    return made.error();
  self_->monitor(*made);
  at_work_[x.id] = worked_on{.actor = std::move(*made), .attempt = attempt, .queue = x.queue};
  return {};
}

void job_queue_state::halt(job_id id) {
  if (auto i = at_work_.find(id); i != at_work_.end())
    self_->send(i->second.actor, pause_atom_v);
}

void job_queue_state::end(job_id id) {
  if (auto i = at_work_.find(id); i != at_work_.end())
    self_->send(i->second.actor, stop_atom_v);
}

void job_queue_state::wake() {
  if (!std::exchange(woken_, true))
    self_->send(self_, finish_atom_v);
}

void job_queue_state::hand_over(uint64_t number, job_id to) {
  auto given = orphans_.extract(number);
  auto i = at_work_.find(to);
  if (given.empty() || i == at_work_.end())
    return;
  auto& x = given.mapped();
  self_->request(i->second.actor, orphan_timeout, x.who, x.work, x.task)
    .then([answer = x.answer]() mutable { answer.deliver(); },
          [answer = x.answer](caf::error& why) mutable { answer.deliver(std::move(why)); });
}

void job_queue_state::turn_away(uint64_t number, const std::string& why) {
  if (auto given = orphans_.extract(number); !given.empty())
    given.mapped().answer.deliver(caf::make_error(ec::refused, why));
}

void job_queue_state::keep_folder(job_id id, int64_t failed_ms) {
  folders_.keep(id, failed_ms);
}

void job_queue_state::use_folder(job_id id) {
  folders_.use(id);
}

void job_queue_state::drop_folder(job_id id) {
  folders_.drop(id);
}

void job_queue_state::left_alone(const core::job_row& x) {
  log::error("a job is left alone: its state is not known to this program",
             {{"job", to_string(x.id)}, {"state", static_cast<int>(x.state)}});
}

// -- what jobs and their tasks say ----------------------------------------------------

caf::result<void> job_queue_state::take_in(const task_join& who, const file_work& work, const orphan_actor& task) {
  auto number = next_orphan_++;
  auto answer = self_->make_response_promise<void>();
  orphans_.emplace(number, orphan{who, work, task, answer});
  book_.offer(number, work.job);
  return answer;
}

void job_queue_state::take(const job_writes& x, caf::typed_response_promise<void> answer) {
  if (!book_.hears(x.id, x.attempt))
    return answer.deliver(caf::make_error(ec::refused, "another attempt at the job has taken its place"));
  for (auto& operation : x.operations) {
    auto* move = std::get_if<store::move_job>(&operation);
    auto end = move != nullptr && is_ended(move->to);
    auto last = &operation == &x.operations.back();
    if (end)
      book_.said_end(x.id, move->to);
    if (!end && !last) {
      write(operation);
      continue;
    }
    // The store refuses the end of a job if a person's command has changed the job's state first.
    auto written = [this, answer, id = x.id, end, last](const store_answer& done) mutable {
      if (end && !done) {
        book_.end_refused(id);
        return answer.deliver(caf::make_error(ec::conflict, "the job's end was overtaken"));
      }
      if (last)
        answer.deliver();
    };
    write(operation, std::move(written));
  }
}

void job_queue_state::take(const job_report& x) {
  auto i = at_work_.find(x.id);
  if (i == at_work_.end() || i->second.attempt != x.attempt)
    return;
  count(i->second.status.value_or(core::file_job_status{}), x.status);
  i->second.status = x.status;
  feed_.heard(x, i->second.queue, self_->now());
  feed_.send(self_);
}

void job_queue_state::on_down(const caf::down_msg& x) {
  if (coordinator_ == x.source) {
    self_->quit(x.reason);
    return;
  }
  feed_.remove(x.source);
  // Its last messages may still be in the mailbox.
  for (auto& [id, job] : at_work_)
    if (job.actor == x.source)
      self_->send(self_, end_atom_v, id, job.attempt);
}

void job_queue_state::ended(job_id id, uint32_t attempt) {
  if (auto i = at_work_.find(id); i != at_work_.end() && i->second.attempt == attempt)
    at_work_.erase(i);
  book_.ended(id, attempt, unix_ms());
}

} // namespace troupe
