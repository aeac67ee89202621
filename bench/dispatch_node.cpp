#include "bench/dispatch_node.hpp"

#include "actors/common/actor_of.hpp"
#include "actors/coordinator.hpp"
#include "actors/jobs/job.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <stdexcept>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto answer_limit = std::chrono::seconds{60};
constexpr auto again_interval = std::chrono::milliseconds{50};

/// Reports that it ran and is done, and ends when that is durable.
struct null_job_state {
  using interface = job_actor;

  static inline const char* name = "null_job";

  null_job_state(interface::pointer self, job_begin begin, job_journal_actor queue,
                 std::shared_ptr<dispatch_record> record, bool hold)
    : self(self), begin(std::move(begin)), queue(std::move(queue)), record(std::move(record)), hold(hold) {}

  interface::behavior_type make_behavior() {
    record->is_running(begin.id, clock::now());
    self->monitor(queue);
    self->set_down_handler([this](const caf::down_msg&) { self->quit(); });
    if (!hold)
      complete();
    return {
      [](const file_progress&) {},
      [](const file_result&) {},
      [this](stop_atom) { self->quit(); },
      [this](pause_atom) { self->quit(); },
      [](give_back_atom, lease_id) {},
      [](const task_join&, const file_work&, const orphan_actor&) -> caf::result<void> {
        return caf::make_error(ec::refused, "a null job has no work");
      },
      [](move_atom, lease_id) {},
      [](tick_atom) {},
    };
  }

  void complete() {
    auto running = way(begin.id, job_state::running, "its first chunk has begun");
    running.attempt = begin.attempt;
    auto completed = way(begin.id, job_state::completed, "its result is published");
    completed.attempt = begin.attempt;
    self->request(queue, answer_limit, job_writes{begin.id, begin.attempt, {std::move(running), std::move(completed)}})
      .then(
        [this] {
          ++record->completed;
          self->quit();
        },
        [this](const caf::error&) { self->quit(); });
  }

  interface::pointer self;
  job_begin begin;
  job_journal_actor queue;
  std::shared_ptr<dispatch_record> record;
  bool hold;
};

class null_jobs : public job_factory {
public:
  null_jobs(std::shared_ptr<dispatch_record> record, bool hold) : record_(std::move(record)), hold_(hold) {}

  tl::expected<job_actor, std::string> make(caf::actor_system& system, job_begin begin, job_journal_actor queue,
                                            leases_actor) const override {
    return system.spawn<actor_of<null_job_state>>(std::move(begin), std::move(queue), record_, hold_);
  }

private:
  std::shared_ptr<dispatch_record> record_;
  bool hold_;
};

/// One client: submits every `step`-th job from `next`, each when the last one was accepted, and none before its time.
struct client_state {
  client_state(caf::event_based_actor* self, gateway_actor to, std::shared_ptr<dispatch_record> record, size_t next,
               size_t step, size_t end, std::chrono::nanoseconds pace, std::string key)
    : self(self),
      to(std::move(to)),
      record(std::move(record)),
      next(next),
      step(step),
      end(end),
      pace(pace),
      key(std::move(key)),
      first(clock::now()) {}

  caf::behavior make_behavior() {
    self->send(self, tick_atom_v);
    return {[this](tick_atom) { submit(); }};
  }

  void submit() {
    if (next >= end)
      return self->quit();
    auto due = first + pace * next;
    if (due > clock::now()) {
      self->delayed_send(self, due - clock::now(), tick_atom_v);
      return;
    }
    job_submission x;
    x.name = "job " + std::to_string(next);
    x.from = "bench";
    x.order.input = "/media/films/a film with a name of usual length.mkv";
    x.order.output = "/media/results/a film with a name of usual length.mp4";
    x.order.container = "mp4";
    x.order.video.codec = "libx264";
    x.order.audio.codec = "aac";
    if (!key.empty())
      x.idempotency_key = key + std::to_string(next);
    auto sent = clock::now();
    self->request(to, answer_limit, submit_atom_v, std::move(x))
      .then(
        [this, sent](const job_submitted& done) {
          record->is_accepted(done.id, sent, clock::now());
          next += step;
          submit();
        },
        [this](const caf::error&) {
          ++record->refused;
          self->delayed_send(self, again_interval, tick_atom_v);
        });
  }

  caf::event_based_actor* self;
  gateway_actor to;
  std::shared_ptr<dispatch_record> record;
  size_t next;
  size_t step;
  size_t end;
  std::chrono::nanoseconds pace; ///< interval between two jobs of all clients together
  std::string key;
  clock::time_point first;
};

} // namespace

void dispatch_record::is_accepted(job_id id, time_point sent, time_point now) {
  ++accepted;
  std::lock_guard guard{mutex_};
  auto& x = jobs_[id];
  x.sent = sent;
  x.accepted = now;
}

void dispatch_record::is_running(job_id id, time_point now) {
  std::lock_guard guard{mutex_};
  jobs_[id].running = now;
}

std::vector<dispatch_record::times> dispatch_record::take() {
  std::lock_guard guard{mutex_};
  std::vector<times> result;
  for (auto& [id, x] : jobs_)
    if (x.accepted != time_point{} && x.running != time_point{})
      result.push_back(x);
  jobs_.clear();
  return result;
}

dispatch_node::dispatch_node(const dispatch_settings& x, std::shared_ptr<dispatch_record> record)
  : system_(config_.set("caf.scheduler.policy", "sharing")), record_(std::move(record)) {
  coordinator_config with;
  with.jobs.store_url = x.store_url;
  with.jobs.work_folder = x.work_folder;
  with.jobs.book.running_max = x.running_max;
  with.jobs.factory = std::make_shared<null_jobs>(record_, x.hold);
  coordinator_ = spawn_coordinator(system_, std::move(with));
  http::server_config page;
  page.listen.port = 0;
  page.requests_per_second = page.requests_burst = 1'000'000; // its reader asks up to 200 times a second
  auto server = http::server::start(page, system_, coordinator_);
  if (!server)
    throw std::runtime_error(server.error());
  http_ = std::move(*server);
}

dispatch_node::~dispatch_node() {
  http_->stop();
  caf::anon_send_exit(coordinator_, caf::exit_reason::user_shutdown);
  coordinator_ = nullptr;
}

void dispatch_node::submit(size_t jobs, size_t clients, double rate, const std::string& key) {
  std::chrono::nanoseconds pace{rate > 0 ? static_cast<int64_t>(1e9 / rate) : 0};
  for (size_t i = 0; i < clients; ++i)
    system_.spawn<caf::stateful_actor<client_state>>(coordinator_, record_, i, clients, jobs, pace, key);
}

size_t dispatch_node::open_jobs() {
  job_question open;
  open.filter.states = {job_state::queued, job_state::assigned, job_state::running};
  open.rows = 1000;
  size_t result = open.rows; // counts as more than none if the answer is unknown
  caf::scoped_actor self{system_};
  self->request(coordinator_, answer_limit, jobs_atom_v, open)
    .receive([&](const job_listing& x) { result = x.rows.size(); }, [](const caf::error&) {});
  return result;
}

} // namespace troupe::bench
