#include "actors/jobs/job_queue.hpp"

#include "actors/common/actor_of.hpp"
#include "actors/common/relay.hpp"
#include "actors/jobs/job_rows.hpp"
#include "actors/jobs/job_text.hpp"
#include "actors/jobs/store_error.hpp"
#include "base/private_folder.hpp"
#include "base/random_id.hpp"
#include "config/waits.hpp"
#include "messages/unix_time.hpp"
#include "telemetry/log.hpp"

#include <caf/send.hpp>

#include <set>
#include <utility>

namespace troupe {

namespace {

constexpr auto queue_interval = std::chrono::milliseconds{200};

/// More operations than this wait only if the disk does not work.
constexpr size_t pending_max = 100'000;

job_id new_job_id() {
  return {base::random_id(), base::random_id()};
}

} // namespace

job_queue_state::job_queue_state(interface::pointer self, job_queue_config config, leases_actor coordinator)
  : self_(self),
    config_(std::move(config)),
    coordinator_(std::move(coordinator)),
    journal_(*this),
    book_(config_.book, *this),
    folders_(config_.work_folder, config_.keep_failed) {
  if (!config_.factory)
    config_.factory = usual_jobs(config_.job, config_.files);
}

job_queue_state::~job_queue_state() {
  if (!storage_.writer)
    return;
  if (auto rest = journal_.rest(unix_ms()))
    caf::anon_send(storage_.writer, std::move(*rest));
  caf::anon_send(storage_.writer, stop_atom_v);
  caf::anon_send(storage_.pages, stop_atom_v);
  caf::anon_send(storage_.jobs, stop_atom_v);
}

job_queue_state::interface::behavior_type job_queue_state::make_behavior() {
  self_->monitor(coordinator_);
  self_->set_down_handler([this](const caf::down_msg& x) { on_down(x); });
  if (!recover())
    self_->quit(caf::make_error(ec::stopping, "the store of jobs does not open"));
  self_->delayed_send(self_, queue_interval, tick_atom_v);
  return {
    [this](submit_atom, const job_submission& x) { return submit(x); },
    [this](cancel_atom, job_id id) { return ask(core::job_book::cancel(id)); },
    [this](pause_atom, job_id id) { return ask(core::job_book::pause(id)); },
    [this](resume_atom, job_id id) { return ask(core::job_book::resume(id)); },
    [this](retry_atom, job_id id) { return ask(core::job_book::retry(id)); },
    [this](remove_atom, job_id id) { return remove(id); },
    [this](jobs_atom, const job_question& x) { return list(x); },
    [this](job_atom, job_id id) { return show(id); },
    [this](const task_join& who, const file_work& work, const orphan_actor& task) { return take_in(who, work, task); },
    [this](const job_subscription& x) { return subscribe(x); },
    [this](const job_replay_question& x) { return replay(x); },
    [this](const job_log_question& x) { return self_->delegate(storage_.pages, x); },
    [this](const callbacks_question& x) { return self_->delegate(storage_.pages, x); },
    [this](const callback_outcome& x) { return settle(x); },
    [this](const job_writes& x) -> caf::result<void> {
      auto answer = self_->make_response_promise<void>();
      take(x, answer);
      return answer;
    },
    [this](const job_report& x) { take(x); },
    [this](end_atom, job_id id, uint32_t attempt) { ended(id, attempt); },
    [this](finish_atom) {
      woken_ = false;
      book_.start_due();
    },
    [this](tick_atom) {
      self_->delayed_send(self_, queue_interval, tick_atom_v);
      journal_.retry();
      book_.tick();
      sweep_files();
      folders_.clean(unix_ms());
      if (config_.counts)
        config_.counts->present(book_.waiting(), book_.at_work());
    },
  };
}

// -- the store ----------------------------------------------------------------

bool job_queue_state::recover() {
  auto failed = base::make_private_folder(config_.work_folder);
  if (!await_writers(config_.store_url, config::defaults::last_writes_wait)) {
    log::error("file jobs cannot be read", {{"reason", "what an earlier queue had to write is still on its way"}});
    return false;
  }
  auto opened = store::job_store::open({config_.store_url});
  if (failed || !opened) {
    log::error("file jobs cannot be kept",
               {{"reason", failed ? config_.work_folder + ": " + failed.message() : opened.error().text}});
    return false;
  }
  std::vector<store::job> open;
  std::set<job_id> folders;
  std::optional<store::page_cursor> at;
  do {
    auto page = opened->open_jobs(at, store::limits::page_rows);
    if (!page) {
      log::error("file jobs cannot be read", {{"reason", page.error().text}});
      return false;
    }
    for (auto& why : page->unread)
      log::error("a job is left alone: another version of this program wrote it", {{"reason", why}});
    for (auto& x : page->rows) {
      folders.insert(x.the_job.id);
      x.the_job.request.clear(); // is read again when its turn has come
      open.push_back(std::move(x.the_job));
    }
    at = page->next;
  } while (at);
  // Folders of jobs that ended while no coordinator could remove them.
  for (auto id : folders_.found()) {
    if (folders.contains(id))
      continue;
    auto job = opened->find(id);
    if (!job && job.error().kind != store::error_kind::not_found)
      continue; // the job exists, but cannot be read: keep its folder
    if (job && job->state == job_state::failed)
      folders_.keep(id, job->ended_ms);
    else
      folders_.drop(id);
  }
  storage_ = config_.storage(self_->home_system(), std::move(*opened), config_.store_url);
  for (auto& x : open)
    book_.recover(row_of(x));
  if (!open.empty())
    log::info("the store has jobs that have not ended", {{"jobs", open.size()}});
  book_.start_due();
  return true;
}

// -- clients' requests --------------------------------------------------------

caf::result<job_submitted> job_queue_state::submit(const job_submission& x) {
  if (journal_.size() >= pending_max)
    return caf::make_error(ec::limit, "the store of jobs does not keep up; try again later");
  // Almost always the disks have more room than both bounds ask for, so one look at them is enough.
  auto warning = folders_.shortage(x.order.output, config_.job.disk_warn);
  if (!warning.empty() || config_.job.disk_refuse > config_.job.disk_warn)
    if (auto full = folders_.shortage(x.order.output, config_.job.disk_refuse); !full.empty())
      return caf::make_error(ec::limit, full + ": the job is not taken; make room, or change jobs.disk_refuse");
  if (!warning.empty())
    log::warning("a disk is almost full", {{"job", x.name}, {"reason", warning}});
  store::submit_job s;
  s.id = new_job_id();
  s.name = x.name;
  s.priority = x.priority;
  s.queue = x.queue;
  s.idempotency_key = x.idempotency_key;
  s.callback_url = x.callback;
  s.request = to_text(x.order);
  s.node = x.from;
  auto answer = self_->make_response_promise<job_submitted>();
  core::job_row row{.id = s.id, .queue = x.queue, .priority = x.priority, .submitted_ms = unix_ms()};
  auto then = [this, answer, row, warning](const store_answer& made) mutable {
    if (!made)
      return answer.deliver(to_error(made.error()));
    answer.deliver(job_submitted{made->id, made->existed, warning});
    if (!made->existed)
      book_.submitted(row);
  };
  write_for_client(std::move(s), std::move(then));
  return answer;
}

caf::result<void> job_queue_state::change(store::operation x, std::function<void(const store::outcome&)> then) {
  auto answer = self_->make_response_promise<void>();
  auto written = [answer, then = std::move(then)](const store_answer& done) mutable {
    if (!done)
      return answer.deliver(to_error(done.error()));
    if (then)
      then(*done);
    answer.deliver();
  };
  write_for_client(std::move(x), std::move(written));
  return answer;
}

caf::result<void> job_queue_state::ask(const core::job_way& x) {
  return change(to_operation(x), [this, x](const store::outcome& done) { book_.written(x, done.attempt); });
}

caf::result<void> job_queue_state::remove(job_id id) {
  return change(store::remove_job{id}, [this, id](const store::outcome&) { book_.removed(id); });
}

caf::result<job_listing> job_queue_state::list(const job_question& x) {
  auto complete = [this](job_listing& page) {
    for (auto& row : page.rows)
      row.status = status_of(row.job.id);
  };
  return relay<job_listing>(self_, storage_.pages, read_timeout, complete, jobs_atom_v, x);
}

caf::result<job_details> job_queue_state::show(job_id id) {
  auto complete = [this](job_details& x) { x.status = status_of(x.job.id); };
  return relay<job_details>(self_, storage_.pages, read_timeout, complete, job_atom_v, id);
}

std::optional<core::file_job_status> job_queue_state::status_of(job_id id) const {
  auto i = at_work_.find(id);
  return i == at_work_.end() ? std::nullopt : i->second.status;
}

job_queue_actor spawn_job_queue(caf::actor_system& system, job_queue_config config, leases_actor coordinator) {
  return system.spawn<actor_of<job_queue_state>, caf::detached>(std::move(config), std::move(coordinator));
}

} // namespace troupe
