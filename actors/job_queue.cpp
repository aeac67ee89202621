#include "actors/job_queue.hpp"

#include "actors/actor_of.hpp"
#include "actors/daemon_registry.hpp"
#include "actors/job_text.hpp"
#include "actors/task_host.hpp"
#include "messages/job_states.hpp"
#include "store/limits.hpp"
#include "telemetry/log.hpp"

#include <caf/send.hpp>

#include <filesystem>
#include <set>
#include <utility>

namespace troupe {

namespace {

constexpr auto tick_interval = std::chrono::milliseconds{200};
constexpr auto retry_interval = std::chrono::milliseconds{500};
constexpr size_t page_rows = 500;

/// More than this waits for the disk only where the disk does not work.
constexpr size_t pending_max = 100'000;

constexpr const char* node_name = "coordinator";

caf::error to_error(const store::error& x) {
  using enum store::error_kind;
  auto code = x.kind == not_found                                    ? ec::unknown_job
              : x.kind == invalid_transition || x.kind == constraint ? ec::conflict
              : x.kind == invalid_argument                           ? ec::invalid_argument
              : x.kind == stale_attempt                              ? ec::conflict
              : x.transient()                                        ? ec::limit
                                                                     : ec::none;
  return code == ec::none ? caf::make_error(caf::sec::runtime_error, x.text) : caf::make_error(code, x.text);
}

job_id new_job_id() {
  return {random_id(), random_id()};
}

} // namespace

job_queue_state::job_queue_state(interface::pointer self, job_queue_config config, gateway_actor coordinator)
  : self_(self), config_(std::move(config)), coordinator_(std::move(coordinator)), order_(config_.order) {}

job_queue_state::~job_queue_state() {
  flush();
}

job_queue_state::interface::behavior_type job_queue_state::make_behavior() {
  self_->monitor(coordinator_);
  self_->set_down_handler([this](const caf::down_msg& x) { on_down(x); });
  if (!recover())
    self_->quit(caf::make_error(ec::stopping, "the store of jobs does not open"));
  self_->delayed_send(self_, tick_interval, tick_atom_v);
  return {
    [this](submit_atom, const job_submission& x) { return submit(x); },
    [this](cancel_atom, job_id id) { return cancel(id); },
    [this](pause_atom, job_id id) { return pause(id); },
    [this](resume_atom, job_id id) { return queue_again(id, job_state::paused, "a person resumes it"); },
    [this](retry_atom, job_id id) { return queue_again(id, job_state::failed, "a person has it tried again"); },
    [this](remove_atom, job_id id) { return remove(id); },
    [this](jobs_atom, const job_question& x) { return list(x); },
    [this](job_atom, job_id id) { return show(id); },
    [this](const job_writes& x) { take(x); },
    [this](const job_report& x) {
      if (auto i = running_.find(x.id); i != running_.end() && i->second.attempt == x.attempt)
        i->second.status = x.status;
    },
    [this](end_atom, job_id id, uint32_t attempt) { ended(id, attempt); },
    [this](finish_atom) {
      flush_due_ = false;
      flush();
    },
    [this](tick_atom) {
      self_->delayed_send(self_, tick_interval, tick_atom_v);
      start_due();
    },
  };
}

// -- the store ----------------------------------------------------------------

bool job_queue_state::recover() {
  std::error_code failed;
  std::filesystem::create_directories(config_.work_folder, failed);
  auto opened = store::job_store::open({config_.store_url});
  if (failed || !opened) {
    log::error("file jobs cannot be kept",
               {{"reason", failed ? config_.work_folder + ": " + failed.message() : opened.error().text}});
    return false;
  }
  store_.emplace(std::move(*opened));
  std::set<std::string> folders;
  std::optional<store::page_cursor> at;
  do {
    auto page = store_->open_jobs(at, page_rows);
    if (!page) {
      log::error("file jobs cannot be read", {{"reason", page.error().text}});
      return false;
    }
    for (auto& x : page->rows) {
      folders.insert(to_string(x.the_job.id));
      recover(x);
    }
    at = page->next;
  } while (at);
  // What a job left behind that ended while nobody could clean up.
  for (auto& entry : std::filesystem::directory_iterator{config_.work_folder, failed})
    if (auto name = entry.path().filename().string(); parse_job_id(name) && !folders.contains(name))
      std::filesystem::remove_all(entry.path(), failed);
  flush();
  if (order_.size() > 0)
    log::info("jobs wait from before", {{"jobs", order_.size()}});
  return true;
}

void job_queue_state::recover(const store::open_job& x) {
  auto& job = x.the_job;
  if (job.state == job_state::paused)
    return;
  for (auto& c : x.chunks)
    if (c.state == chunk_state::leased) {
      auto m = way(job.id, c.number, chunk_state::waiting, "the coordinator was started again");
      m.node = node_name;
      write(std::move(m));
    }
  if (job.state != job_state::queued) {
    auto m = way(job.id, job_state::queued, "the coordinator was started again");
    m.node = node_name;
    write(std::move(m));
  }
  next_number_ = std::max(next_number_, job.number + 1);
  enqueue(job);
}

void job_queue_state::write(store::operation what, written then) {
  pending_.push_back({std::move(what), std::move(then)});
  if (!std::exchange(flush_due_, true))
    self_->send(self_, finish_atom_v);
}

void job_queue_state::flush() {
  while (store_ && !pending_.empty()) {
    auto n = std::min(pending_.size(), store::limits::operations_per_batch);
    std::vector<store::operation> operations;
    for (size_t i = 0; i < n; ++i)
      operations.push_back(pending_[i].what);
    auto results = store_->apply(operations, unix_ms());
    if (!results && results.error().transient()) {
      log::warning("jobs are not written yet; will try again", {{"reason", results.error().text}});
      if (!std::exchange(flush_due_, true))
        self_->delayed_send(self_, retry_interval, finish_atom_v);
      return;
    }
    auto rest = pending_.begin() + static_cast<std::ptrdiff_t>(n);
    std::vector<pending_operation> batch(std::make_move_iterator(pending_.begin()), std::make_move_iterator(rest));
    pending_.erase(pending_.begin(), rest);
    answer_all(std::move(batch), results);
  }
}

void job_queue_state::answer_all(std::vector<pending_operation> batch,
                                 const store::expected<std::vector<store::expected<store::outcome>>>& results) {
  for (size_t i = 0; i < batch.size(); ++i) {
    auto one = results ? (*results)[i] : store::expected<store::outcome>{tl::unexpected{results.error()}};
    if (!one)
      log::warning("a change of a job is refused", {{"reason", one.error().text}});
    if (batch[i].then)
      batch[i].then(one);
  }
}

// -- what clients ask ---------------------------------------------------------

caf::result<job_submitted> job_queue_state::submit(const job_submission& x) {
  if (pending_.size() >= pending_max)
    return caf::make_error(ec::limit, "the store of jobs does not keep up; try again later");
  store::submit_job s;
  s.id = new_job_id();
  s.name = x.name;
  s.priority = x.priority;
  s.queue = x.queue;
  s.idempotency_key = x.idempotency_key;
  s.request = to_text(x.order);
  s.node = x.from;
  auto answer = self_->make_response_promise<job_submitted>();
  auto now = unix_ms();
  auto then = [this, answer, x, now](const store::expected<store::outcome>& made) mutable {
    if (!made)
      return answer.deliver(to_error(made.error()));
    answer.deliver(job_submitted{made->id, made->existed});
    if (made->existed)
      return;
    order_.add({made->id, next_number_++, x.queue, x.priority, now, 0});
    start_due();
  };
  write(std::move(s), std::move(then));
  return answer;
}

caf::result<void> job_queue_state::cancel(job_id id) {
  auto answer = self_->make_response_promise<void>();
  auto then = [this, answer, id](const store::expected<store::outcome>& done) mutable {
    if (!done)
      return answer.deliver(to_error(done.error()));
    order_.remove(id);
    auto i = running_.find(id);
    if (i != running_.end() && i->second.actor) {
      self_->send(i->second.actor, stop_atom_v);
    } else {
      std::error_code ignored;
      std::filesystem::remove_all(folder_of(id), ignored);
    }
    answer.deliver();
  };
  auto m = way(id, job_state::cancelled, "a person cancels it");
  m.node = node_name;
  write(std::move(m), std::move(then));
  return answer;
}

caf::result<void> job_queue_state::pause(job_id id) {
  auto answer = self_->make_response_promise<void>();
  auto then = [this, answer, id](const store::expected<store::outcome>& done) mutable {
    if (!done)
      return answer.deliver(to_error(done.error()));
    order_.remove(id);
    if (auto i = running_.find(id); i != running_.end() && i->second.actor)
      self_->send(i->second.actor, pause_atom_v);
    answer.deliver();
  };
  auto m = way(id, job_state::paused, "a person pauses it");
  m.node = node_name;
  write(std::move(m), std::move(then));
  return answer;
}

caf::result<void> job_queue_state::queue_again(job_id id, job_state from, const char* why) {
  auto answer = self_->make_response_promise<void>();
  auto then = [this, answer, id](const store::expected<store::outcome>& done) mutable {
    if (!done)
      return answer.deliver(to_error(done.error()));
    answer.deliver();
    // While its last tasks still end, `ended` queues it.
    if (auto job = store_->find(id); job && !running_.contains(id))
      enqueue(*job);
    start_due();
  };
  auto m = way(id, job_state::queued, why);
  m.from = from;
  m.node = node_name;
  m.changes.failures = 0;
  m.changes.failure = failure_kind::none;
  m.changes.error = std::string{};
  write(std::move(m), std::move(then));
  return answer;
}

caf::result<void> job_queue_state::remove(job_id id) {
  auto answer = self_->make_response_promise<void>();
  auto then = [answer](const store::expected<store::outcome>& done) mutable {
    if (done)
      answer.deliver();
    else
      answer.deliver(to_error(done.error()));
  };
  write(store::remove_job{id}, std::move(then));
  return answer;
}

caf::result<job_listing> job_queue_state::list(const job_question& x) {
  flush();
  auto page = store_->list(x.filter, x.after, x.rows);
  if (!page)
    return to_error(page.error());
  job_listing result;
  result.next = page->next;
  for (auto& row : page->rows) {
    auto i = running_.find(row.id);
    result.rows.push_back({std::move(row), i == running_.end() ? std::nullopt : i->second.status});
  }
  return result;
}

caf::result<job_details> job_queue_state::show(job_id id) {
  flush();
  auto job = store_->find(id);
  if (!job)
    return to_error(job.error());
  job_details result;
  result.job = std::move(*job);
  if (auto page = store_->chunks(id, {}, store::limits::page_rows))
    result.chunks = std::move(page->rows);
  if (auto page = store_->history(id, {}, store::limits::page_rows))
    result.history = std::move(page->rows);
  if (auto i = running_.find(id); i != running_.end())
    result.status = i->second.status;
  return result;
}

// -- jobs at work -------------------------------------------------------------

void job_queue_state::enqueue(const store::job& x) {
  order_.add({x.id, x.number, x.queue, x.priority, x.submitted_ms, x.not_before_ms});
}

void job_queue_state::start_due() {
  while (running_.size() < config_.running_max) {
    auto id = order_.take(unix_ms());
    if (!id)
      return;
    assign(*id);
  }
}

void job_queue_state::assign(job_id id) {
  running_[id];
  auto then = [this, id](const store::expected<store::outcome>& done) {
    if (done)
      return spawn(id, done->attempt);
    running_.erase(id); // cancelled in between
  };
  auto m = way(id, job_state::assigned, "its turn has come");
  m.node = node_name;
  write(std::move(m), std::move(then));
}

void job_queue_state::spawn(job_id id, uint32_t attempt) {
  auto refuse = [&](const std::string& why) {
    running_.erase(id);
    auto m = way(id, job_state::failed, "it cannot be begun");
    m.attempt = attempt;
    m.node = node_name;
    m.changes.failure = failure_kind::terminal;
    m.changes.error = why;
    write(std::move(m));
  };
  auto job = store_->find(id);
  if (!job)
    return refuse(job.error().text);
  auto order = to_order(job->request);
  if (!order)
    return refuse("its request cannot be read: another version of this program wrote it; submit it again");
  job_begin begin{id, attempt, job->name, std::move(*order), folder_of(id), {}};
  auto chunks = chunks_of(id);
  if (!chunks)
    return refuse(chunks.error().text);
  begin.chunks = std::move(*chunks);
  std::error_code failed;
  std::filesystem::create_directories(begin.folder, failed);
  if (failed)
    return refuse(begin.folder + " cannot be made: " + failed.message());
  auto actor = spawn_job(self_->home_system(), config_.job, std::move(begin), job_journal_actor{self_}, coordinator_);
  self_->monitor(actor);
  running_[id] = {std::move(actor), attempt, {}};
}

store::expected<std::vector<store::chunk>> job_queue_state::chunks_of(job_id id) {
  std::vector<store::chunk> result;
  std::optional<store::page_cursor> at;
  do {
    auto page = store_->chunks(id, at, store::limits::page_rows);
    if (!page)
      return tl::unexpected{page.error()};
    result.insert(result.end(), page->rows.begin(), page->rows.end());
    at = page->next;
  } while (at);
  return result;
}

void job_queue_state::take(const job_writes& x) {
  auto i = running_.find(x.id);
  if (i == running_.end() || i->second.attempt != x.attempt)
    return;
  // What is refused was overtaken by a person's word: then the job is about to end, too.
  for (auto& operation : x.operations)
    write(operation);
}

void job_queue_state::on_down(const caf::down_msg& x) {
  if (coordinator_ == x.source) {
    self_->quit(x.reason);
    return;
  }
  // What it said last may still be in the mailbox.
  for (auto& [id, job] : running_)
    if (job.actor == x.source)
      self_->send(self_, end_atom_v, id, job.attempt);
}

void job_queue_state::ended(job_id id, uint32_t attempt) {
  flush();
  auto i = running_.find(id);
  if (i == running_.end() || i->second.attempt != attempt)
    return;
  running_.erase(i);
  auto job = store_->find(id);
  if (job && !is_ended(job->state)) {
    for (auto& c : chunks_of(id).value_or(std::vector<store::chunk>{}))
      if (c.state == chunk_state::leased)
        write(way(id, c.number, chunk_state::waiting, "its job begins anew"));
    if (job->state == job_state::queued)
      enqueue(*job); // resumed in the meantime
    else if (job->state != job_state::paused)
      begin_again(*job);
  }
  start_due();
}

void job_queue_state::begin_again(const store::job& x) {
  auto again = x.failures < config_.job_restarts_max;
  auto m = way(x.id, again ? job_state::queued : job_state::failed, "its actor died");
  m.attempt = x.attempt;
  m.node = node_name;
  m.changes.failures = x.failures + 1;
  if (!again) {
    m.changes.failure = failure_kind::transient;
    m.changes.error = "the part of the coordinator that looks after it died several times; its log has the reason";
  }
  write(std::move(m));
  if (again)
    enqueue(x);
}

std::string job_queue_state::folder_of(job_id id) const {
  return config_.work_folder + "/" + to_string(id);
}

job_queue_actor spawn_job_queue(caf::actor_system& system, job_queue_config config, gateway_actor coordinator) {
  return system.spawn<actor_of<job_queue_state>, caf::detached>(std::move(config), std::move(coordinator));
}

} // namespace troupe
