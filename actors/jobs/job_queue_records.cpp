// What the queue records of jobs: on its way to the store, to watchers and to the counters.
#include "actors/common/actor_of.hpp"
#include "actors/common/relay.hpp"
#include "actors/jobs/job_queue.hpp"
#include "messages/unix_time.hpp"
#include "store/text.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace troupe {

namespace {

/// A batch takes milliseconds, and a store that is away says so within its own timeouts.
constexpr auto record_timeout = std::chrono::minutes{10};

} // namespace

void job_queue_state::write(store::operation x, written then) {
  store::mend_words(x);
  journal_.write(std::move(x), unix_ms(), std::move(then));
}

void job_queue_state::write_for_client(store::operation x, written then) {
  store::mend_words(x);
  journal_.write_for_client(std::move(x), unix_ms(), std::move(then));
}

// -- core::job_journal_effects --------------------------------------------------

void job_queue_state::send_batch(store_batch x) {
  auto lost = [this](const caf::error& why) {
    self_->quit(caf::make_error(ec::stopping, "the writer of the store is gone: " + caf::to_string(why)));
  };
  self_->request(storage_.writer, record_timeout, std::move(x))
    .then([this](const store_results& done) { take(done); }, lost);
}

void job_queue_state::take(const store_results& x) {
  auto was_out = journal_.outage().has_value();
  if (!x.failed) {
    if (was_out)
      log::info("the store of jobs works again", {});
    journal_.stored(x.results, x.recalled, unix_ms());
  } else if (x.failed->transient()) {
    if (!was_out)
      log::warning("jobs are not written: the store is out of order; writing is tried again",
                   {{"reason", x.failed->text}});
    journal_.lost(tl::unexpected{*x.failed});
  } else {
    log::error("the store of jobs is broken", {{"reason", x.failed->text}});
    journal_.broken(tl::unexpected{*x.failed});
    self_->quit(caf::make_error(ec::stopping, "the store of jobs is broken"));
  }
  book_.store_works(!journal_.outage());
  feed_.send(self_);
}

void job_queue_state::answered(const store::operation& what, const store_answer& how, int64_t at_ms) {
  if (!how)
    return log::warning("a change of a job is refused", {{"reason", how.error().text}});
  feed_.wrote(what, *how, at_ms);
  count(what, *how);
}

void job_queue_state::surprised(const store::operation& what) {
  book_.look_at(std::visit([](const auto& x) { return x.id; }, what));
}

// -- those who watch ------------------------------------------------------------

caf::result<void> job_queue_state::subscribe(const job_subscription& x) {
  if (!feed_.add(x))
    return caf::make_error(ec::limit, "the limit of watchers of jobs is reached");
  self_->monitor(x.watcher);
  return caf::unit;
}

caf::result<job_replay> job_queue_state::replay(const job_replay_question& x) {
  auto complete = [this](job_replay& found) {
    if (found.job)
      found.job->status = status_of(found.job->job.id);
  };
  return relay<job_replay>(self_, storage_.pages, read_timeout, complete, x);
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
