// A job's reports to the registry about the devices that its tasks encode on.
#include "actors/common/actor_of.hpp"
#include "actors/jobs/job.hpp"
#include "config/waits.hpp"

#include <utility>

namespace troupe {

namespace {

constexpr auto answer_timeout = config::defaults::coordinator_wait;

} // namespace

void job_actor_state::confirm(attempt_id number, attempt& x) {
  if (x.held.seat.gpu.empty() || std::exchange(x.confirmed, true))
    return;
  self_->request(coordinator_, answer_timeout, confirm_atom_v, x.held.id)
    .then(
      [this, number](bool holds) {
        if (holds)
          return;
        job_.down(number, "its lease is over", self_->now());
        send_writes();
      },
      [](const caf::error&) {}); // after a restart the registry counts what the driver reports
}

void job_actor_state::device_failed(attempt_id attempt, const std::string& why) {
  auto i = attempts_.find(attempt);
  if (i == attempts_.end())
    return;
  note("warning", i->second.part, "its device refused it: " + why);
  self_->send(coordinator_, quarantine_atom_v, i->second.held.id, why);
}

void job_actor_state::warn_of_seat(const attempt& x) {
  if (!x.held.seat.warning.empty())
    note("warning", x.part, x.held.seat.warning);
}

} // namespace troupe
