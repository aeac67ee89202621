// Orphans: tasks that outlived the coordinator that started them and continue their work. They offer that work to the
// job. `core::file_job` decides whether it is wanted; the registry then gives a lease for this process, which it did
// not choose. From then on orphans are attempts like all others.
#include "actors/common/actor_of.hpp"
#include "actors/jobs/job.hpp"
#include "actors/jobs/job_text.hpp"
#include "config/waits.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// How long a task and the registry may take to answer.
constexpr auto take_over_timeout = config::defaults::coordinator_wait;

/// Long, because nobody would release a lease that is granted after this time: its process would stay reserved as long
/// as the job lives. The registry normally answers at once.
constexpr auto orphan_lease_timeout = std::chrono::hours{24};

/// How long the worker of an orphan may take to register. After that the task is taken over without its worker.
constexpr auto worker_wait = std::chrono::seconds{5};

} // namespace

void job_actor_state::consider_orphans() {
  if (!job_.planned())
    return;
  auto now = self_->now();
  for (auto i = orphans_.begin(); i != orphans_.end();) {
    auto* work = std::get_if<chunk_work>(&i->work.work);
    if (work == nullptr || !job_.awaits(*work, now)) {
      self_->demonitor(i->task);
      i->answer.deliver(caf::make_error(ec::refused, "its job has no use for this work any more"));
      i = orphans_.erase(i);
      continue;
    }
    if (!std::exchange(i->asked, true)) {
      lease_request wanted;
      wanted.label = {work_kind::chunk, begin_.name, to_string(work->kind), {}, i->work.attempt};
      wanted.input = begin_.order.input;
      wanted.last_resort = now - i->since > worker_wait;
      self_->request(coordinator_, orphan_lease_timeout, i->who, wanted, i->task)
        .then(
          [this, task = i->task](const troupe::lease& held, const task_actor&) {
            auto o = std::find_if(orphans_.begin(), orphans_.end(), [&](auto& x) { return x.task == task; });
            if (o == orphans_.end()) {
              self_->send(coordinator_, release_atom_v, held.id, lease_end{});
              return;
            }
            auto offer = std::move(*o);
            orphans_.erase(o);
            adopt(offer, held);
          },
          [this, task = i->task](const caf::error&) {
            for (auto& x : orphans_)
              if (x.task == task)
                x.asked = false; // try again: its worker may still register
          });
    }
    ++i;
  }
}

void job_actor_state::adopt(orphan_offer& x, const troupe::lease& held) {
  adopted_ = &x;
  adopted_lease_ = held;
  auto attempt = job_.take_over(std::get<chunk_work>(x.work.work), held, self_->now());
  adopted_ = nullptr;
  if (attempt)
    return x.answer.deliver();
  self_->send(coordinator_, release_atom_v, held.id, lease_end{});
  x.answer.deliver(caf::make_error(ec::refused, "its job has no use for this work any more"));
}

void job_actor_state::attach(attempt_id attempt) {
  auto& held = attempts_[attempt];
  held.held = adopted_lease_;
  held.task = adopted_->task;
  held.orphan = adopted_->task;
  held.part = part_name(adopted_->work) + " on " + held.held.worker_name;
  begin_.files->adopt(attempt, adopted_->work);
  log::info("a chunk goes on in the task that had begun it", {{"job", to_string(begin_.id)}, {"attempt", attempt}});
  self_->request(held.orphan, take_over_timeout, attempt, file_client_actor{self_})
    .then(
      [this, attempt](const file_worker_actor& worker) {
        if (auto i = attempts_.find(attempt); i != attempts_.end())
          i->second.worker = worker;
        else
          self_->send(worker, stop_atom_v);
      },
      [this, attempt](const caf::error& why) {
        job_.down(attempt, "the task did not resume its work: " + caf::to_string(why), self_->now());
        send_writes();
      });
}

} // namespace troupe
