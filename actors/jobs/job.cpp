#include "actors/jobs/job.hpp"

#include "actors/common/actor_of.hpp"
#include "actors/jobs/disk_space.hpp"
#include "actors/jobs/job_text.hpp"
#include "base/utf8.hpp"
#include "config/waits.hpp"
#include "messages/unix_time.hpp"
#include "store/limits.hpp"
#include "telemetry/log.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <filesystem>

namespace troupe {

namespace {

constexpr auto tick_interval = std::chrono::milliseconds{100};
constexpr auto capacity_timeout = std::chrono::seconds{2};

/// How long a warm task may take to accept its work; the work then reports by itself.
constexpr auto start_timeout = std::chrono::seconds{5};

/// How long the registry may take to end a lease; it only looks into a table.
constexpr auto release_timeout = std::chrono::seconds{2};

/// A request for a lease may wait this long for other work to end; then it is repeated.
constexpr auto lease_timeout = config::defaults::patient_wait;

/// The most lines of libraries in the log of one run of the job; the store's own limit leaves room for the job's own
/// lines.
constexpr size_t log_lines_max = 1'000;

/// Writes wait this long while the store does not work.
constexpr auto write_timeout = config::defaults::patient_wait;

/// How long tasks may take to end before their folder is removed under them.
constexpr auto leave_timeout = std::chrono::seconds{5};

core::file_job_begin to_begin(const job_begin& x) {
  core::file_job_begin result;
  result.name = x.name;
  result.attempt = x.attempt;
  result.order = x.order;
  result.folder = x.folder;
  result.staging = staging_of(x.order, x.id, x.attempt);
  result.waited = x.waited;
  result.turn = x.turn;
  for (auto& c : x.chunks) {
    auto& r = c.result;
    result.chunks.push_back({c.number, c.kind, c.from_pts, c.to_pts, c.state == chunk_state::done, r.file,
                             chunk_done{r.bytes, r.sha256, r.frames, r.first_pts, r.last_pts, false},
                             c.state == chunk_state::leased});
  }
  return result;
}

core::file_capacity to_capacity(const std::vector<daemon_status>& xs) {
  core::file_capacity result{0, 0};
  for (auto& x : xs)
    if (x.state == health::healthy || x.state == health::degraded) {
      result.slots += x.slots;
      result.cores += x.can.cores;
    }
  return {std::max(result.slots, 1u), std::max(result.cores, 1u)};
}

/// Removes what a job leaves, on a thread of its own: folders may be large.
void clean_up(caf::actor_system& system, const std::string& folder, const file_order& order, job_id id,
              uint32_t lives) {
  system.spawn<caf::detached>([=](caf::event_based_actor*) {
    std::error_code ignored;
    if (!folder.empty())
      std::filesystem::remove_all(folder, ignored);
    for (uint32_t life = 1; life <= lives; ++life)
      std::filesystem::remove(staging_of(order, id, life), ignored);
  });
}

} // namespace

job_actor_state::job_actor_state(interface::pointer self, core::file_job_config config, job_begin begin,
                                 job_journal_actor queue, leases_actor coordinator)
  : self_(self),
    begin_(std::move(begin)),
    queue_(std::move(queue)),
    coordinator_(std::move(coordinator)),
    disk_warn_(config.disk_warn),
    head_start_(config.head_start),
    job_(config, to_begin(begin_), *this) {
  for (auto& c : begin_.chunks)
    chunk_attempts_[c.number] = c.attempt;
  planned_before_ = !begin_.chunks.empty();
}

job_actor_state::interface::behavior_type job_actor_state::make_behavior() {
  self_->monitor(queue_);
  self_->monitor(coordinator_);
  self_->set_down_handler([this](const caf::down_msg& x) {
    if (queue_ == x.source || coordinator_ == x.source) {
      self_->quit(x.reason);
      return;
    }
    leaving_.erase(x.source);
    std::erase_if(orphans_, [&](const orphan_offer& o) { return o.task == x.source; });
    for (auto& [number, a] : attempts_)
      if (a.task == x.source) {
        task_gone(number, a);
        break;
      }
  });
  job_.begin(self_->now());
  self_->delayed_send(self_, tick_interval, tick_atom_v);
  return {
    [this](const file_progress& x) {
      if (!comes_from_its_task(x.attempt))
        return;
      take_log(x.attempt, x.log);
      job_.on(x, self_->now());
      auto i = attempts_.find(x.attempt);
      if (i == attempts_.end())
        return;
      if (x.frames > 0)
        confirm(x.attempt, i->second);
      work_statistics s;
      s.frames_encoded = x.frames;
      s.bytes_out = x.bytes;
      self_->send(coordinator_, i->second.held.id, s);
    },
    [this](const file_result& x) -> caf::result<void> {
      if (!comes_from_its_task(x.attempt))
        return caf::unit;
      take_log(x.attempt, x.log);
      auto answer = self_->make_response_promise<void>();
      if (std::holds_alternative<source_summary>(x.outcome))
        plan_with(x, answer);
      else
        take(x, answer);
      return answer;
    },
    [this](stop_atom) { end(); },
    [this](pause_atom) {
      keeps_folder_ = true;
      end();
    },
    [this](give_back_atom, lease_id x) {
      job_.give_back(x, self_->now());
      send_writes();
    },
    [this](const task_join& who, const file_work& work, const orphan_actor& task) -> caf::result<void> {
      auto answer = self_->make_response_promise<void>();
      self_->monitor(task);
      orphans_.push_back({who, work, task, answer, self_->now()});
      consider_orphans();
      return answer;
    },
    [](move_atom, lease_id) {
      // A file task is never moved: it works to its end.
    },
    [this](tick_atom) {
      self_->delayed_send(self_, tick_interval, tick_atom_v);
      if (over_since_)
        return leave();
      consider_orphans();
      advance();
      report();
    },
  };
}

bool job_actor_state::comes_from_its_task(attempt_id x) const {
  auto i = attempts_.find(x);
  auto& sender = self_->current_sender();
  return i != attempts_.end() && i->second.task && sender && sender->node() == i->second.task->node();
}

void job_actor_state::task_gone(attempt_id number, attempt& x) {
  x.task = nullptr;
  auto gone = [this, number](const task_exit& ended) {
    auto why = "the task process is gone" + (ended.how.empty() ? std::string{} : ": " + ended.how)
               + (ended.out_of_memory ? ", it had more memory than its limit" : "");
    job_.down(number, why, self_->now(), ended.out_of_memory);
    send_writes();
  };
  self_->request(coordinator_, config::defaults::task_exit_wait, status_atom_v, x.held.worker, x.held.task)
    .then(gone, [gone](const caf::error&) { gone({}); });
}

void job_actor_state::take(const file_result& x, caf::typed_response_promise<void> answer) {
  answering_.emplace(x.attempt, std::move(answer));
  job_.on(x, self_->now());
  send_writes();
  if (auto left = std::exchange(answering_, {}))
    left->second.deliver();
}

void job_actor_state::plan_with(const file_result& x, caf::typed_response_promise<void> answer) {
  auto plan = [this, answer, x](core::file_capacity has) {
    job_.capacity(has);
    take(x, answer);
    // The clock's next tick may come too late for the time at which the other parts start.
    self_->run_delayed(head_start_, [this] { advance(); });
  };
  self_->request(coordinator_, capacity_timeout, daemons_atom_v)
    .then([plan](const std::vector<daemon_status>& xs) { plan(to_capacity(xs)); },
          [plan](const caf::error&) { plan({}); });
}

// -- core::file_job_effects ---------------------------------------------------

void job_actor_state::lease(attempt_id attempt, const lease_request& x) {
  self_->request(coordinator_, lease_timeout, x)
    .then(
      [this, attempt](const troupe::lease& held, const task_actor& task) {
        attempts_[attempt] = {held, task, {}, {}, {}};
        self_->monitor(task);
        job_.granted(attempt, held, self_->now());
        send_writes();
      },
      [this, attempt](const caf::error& why) {
        log::debug("no lease", {{"job", to_string(begin_.id)}, {"reason", caf::to_string(why)}});
        job_.not_granted(attempt, self_->now(), why == ec::encode_failed);
        send_writes();
      });
}

void job_actor_state::start(const file_work& x) {
  auto attempt = x.attempt;
  auto& a = attempts_.at(attempt);
  a.part = part_name(x) + " on " + a.held.worker_name;
  warn_of_seat(a);
  auto work = begin_.files->begin(x);
  work.job = begin_.id;
  self_->request(a.task, start_timeout, std::move(work), file_client_actor{self_})
    .then([](const file_worker_actor&) {},
          [this, attempt](const caf::error& why) {
            job_.down(attempt, "the task did not take its work: " + caf::to_string(why), self_->now());
            send_writes();
          });
}

void job_actor_state::stop(attempt_id attempt, const lease_end& how) {
  auto i = attempts_.find(attempt);
  if (i == attempts_.end())
    return;
  if (i->second.worker)
    self_->send(i->second.worker, stop_atom_v);
  if (i->second.task)
    leaving_.insert(caf::actor_cast<caf::actor_addr>(i->second.task));
  begin_.files->end(attempt);
  if (!how.reason.empty())
    note("warning", i->second.part, "given up: " + how.reason);
  // A task ends when it gets its answer. So its lease must be released first: otherwise its end would look like a
  // failure of its worker.
  std::optional<caf::typed_response_promise<void>> answer;
  if (answering_ && answering_->first == attempt)
    answer = std::exchange(answering_, {})->second;
  auto released = [answer]() mutable {
    if (answer)
      answer->deliver();
  };
  self_->request(coordinator_, release_timeout, release_atom_v, i->second.held.id, how)
    .then(released, [released](const caf::error&) mutable { released(); });
  attempts_.erase(i);
}

void job_actor_state::at_work(const std::string& why) {
  auto m = way(begin_.id, job_state::running, why);
  for (auto& path : {begin_.folder, begin_.order.output})
    if (auto full = disk_shortage(path, disk_warn_); !full.empty())
      m.why += "; warning: " + full;
  m.attempt = begin_.attempt;
  write(std::move(m));
}

void job_actor_state::planned(const std::vector<core::file_chunk>& chunks) {
  if (planned_before_)
    write(store::remove_chunks{begin_.id, begin_.attempt});
  chunk_attempts_.clear();
  store::add_chunks plan{begin_.id, begin_.attempt, {}};
  for (auto& c : chunks)
    plan.chunks.push_back({c.number, c.kind, c.from, c.to});
  write(std::move(plan));
}

void job_actor_state::chunk_began(uint32_t number, const troupe::lease& held) {
  ++chunk_attempts_[number];
  auto x = chunk_way(number, chunk_state::leased,
                     "a worker takes it" + (held.limits.empty() ? std::string{} : "; limits: " + held.limits));
  x.node = held.worker_name;
  write(std::move(x));
}

void job_actor_state::chunk_ended(uint32_t number, const std::string& path, const chunk_done& x) {
  auto m = chunk_way(number, chunk_state::done, "its result is here and checked");
  m.attempt = chunk_attempts_[number];
  m.result = store::chunk_result{path, x.bytes, x.sha256, x.frames, x.first_pts, x.last_pts};
  write(std::move(m));
}

void job_actor_state::chunk_waits(uint32_t number, uint32_t failures, const std::string& why) {
  note("info", "chunk " + std::to_string(number), "waits again: " + why);
  auto m = chunk_way(number, chunk_state::waiting, why);
  m.failures = failures;
  write(std::move(m));
}

void job_actor_state::chunk_spoiled(uint32_t number, const std::string& why) {
  note("warning", "chunk " + std::to_string(number), "has to be made again: " + why);
  write(chunk_way(number, chunk_state::waiting, why));
}

void job_actor_state::completed(const file_published& told) {
  auto x = told;
  // If this machine published the file itself, its identity is used and not the one that the task reports.
  if (auto here = begin_.files->published(); !here.empty())
    x.identity = std::move(here);
  for (auto& text : x.notes)
    note("warning", {}, text);
  note("info", {}, "completed: " + std::to_string(x.pictures) + " pictures, " + std::to_string(x.bytes) + " bytes");
  auto m = way(begin_.id, job_state::completed, "its result is published");
  m.attempt = begin_.attempt;
  m.changes.progress_ppm = 1'000'000;
  m.changes.result = to_text(x);
  write(std::move(m));
  completed_ = true;
  log::info("a job is completed", {{"job", to_string(begin_.id)}, {"bytes", x.bytes}, {"pictures", x.pictures}});
  over_since_ = self_->now();
}

void job_actor_state::failed(failure_kind kind, const std::string& why) {
  note("error", {}, "failed: " + why);
  auto m = way(begin_.id, job_state::failed, {});
  m.attempt = begin_.attempt;
  m.why = kind == failure_kind::terminal      ? "an error that no other try would mend"
          : kind == failure_kind::quarantined ? "it kills its tasks"
                                              : "an error, several times";
  m.changes.failure = kind;
  m.changes.error = why;
  write(std::move(m));
  keeps_folder_ = true;
  log::warning("a job failed", {{"job", to_string(begin_.id)}, {"reason", why}});
  over_since_ = self_->now();
}

// -- implementation -----------------------------------------------------------

store::move_chunk job_actor_state::chunk_way(uint32_t number, chunk_state to, const std::string& why) const {
  auto result = way(begin_.id, number, to, why);
  result.life = begin_.attempt;
  return result;
}

void job_actor_state::write(store::operation x) {
  writes_.push_back(std::move(x));
}

void job_actor_state::note(std::string level, std::string part, std::string text, int64_t at_ms) {
  log_.push_back({0, at_ms > 0 ? at_ms : unix_ms(), std::move(level),
                  base::plain_text(base::cut(part, store::limits::name_bytes)),
                  base::plain_text(base::cut(text, store::limits::log_line_bytes))});
}

void job_actor_state::take_log(attempt_id from, const std::vector<file_log_line>& lines) {
  auto i = attempts_.find(from);
  if (i == attempts_.end())
    return;
  for (auto& x : lines) {
    if (++log_lines_ > log_lines_max)
      return;
    note(x.error ? "error" : "warning", i->second.part, x.text, x.at_ms);
    if (log_lines_ == log_lines_max)
      note("info", {}, "the libraries wrote more messages; they are not kept");
  }
}

void job_actor_state::advance() {
  job_.tick(self_->now());
  send_writes();
}

void job_actor_state::send_writes() {
  // The log is written before the states that it explains, so that a reader who sees a state finds its lines.
  if (!log_.empty())
    writes_.insert(writes_.begin(), store::add_log{begin_.id, std::exchange(log_, {})});
  if (!writes_.empty()) {
    job_.handed_over();
    auto stored = [this] {
      job_.stored(self_->now());
      send_writes();
    };
    self_->request(queue_, write_timeout, job_writes{begin_.id, begin_.attempt, std::exchange(writes_, {})})
      .then(stored, [this](const caf::error& why) {
        // After any error except a refusal, the changes may have been written or not. So nothing is published, and
        // nothing is removed. If the queue has ended, its end also ends the job.
        if (why != ec::refused && why != ec::conflict)
          return;
        keeps_folder_ = true;
        end();
      });
  }
  if (over_since_)
    leave();
}

void job_actor_state::report() {
  self_->send(queue_, job_report{begin_.id, begin_.attempt, job_.status()});
}

void job_actor_state::end() {
  job_.cancel();
  if (!over_since_)
    over_since_ = self_->now();
  leave();
}

void job_actor_state::leave() {
  if (!leaving_.empty() && self_->now() - *over_since_ < leave_timeout)
    return;
  // Until the end is durable, a restart may continue the job, which then needs its files.
  if (completed_ && !keeps_folder_ && !job_.all_stored())
    return;
  clean_up(self_->system(), keeps_folder_ ? std::string{} : begin_.folder, begin_.order, begin_.id, begin_.attempt);
  self_->quit();
}

} // namespace troupe
