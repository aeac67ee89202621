// What happens to a part of a file job when its task dies, its work fails, or its device refuses.
#include "core/jobs/file_job.hpp"

#include <algorithm>
#include <cassert>

namespace troupe::core {

void file_job::wait_again(part& x, const std::string& why) {
  assert(x.state == part_state::waiting && !x.attempt);
  x.progress = {};
  if (x.is_chunk())
    say().chunk_waits(x.chunk.number, x.failures, why);
}

void file_job::lost(part& x, const lease_end& how, time_point now, bool out_of_memory) {
  auto& why = how.reason;
  ++x.deaths;
  ++deaths_in_a_row_;
  auto where = x.held.worker_name;
  deadly_with_.insert(where);
  if (out_of_memory && ++x.out_of_memory > 1) {
    release(x, {});
    return fail(failure_kind::terminal,
                "its work needs more memory than its limit: tasks were killed for it, the last on " + where + "; "
                  + of_memory(x));
  }
  auto again = x.deaths > 1 ? config_.retry_first * (1 << std::min(x.deaths - 2, 16u)) : milliseconds{0};
  if (x.deaths >= config_.deaths_max) {
    release(x, how);
    return fail(failure_kind::quarantined, "its tasks die: " + std::to_string(x.deaths)
                                             + " of them in a row at the same part, the last on " + where + ": " + why);
  }
  if (deadly_with_.size() >= config_.deaths_max || deaths_in_a_row_ >= 2 * config_.deaths_max) {
    release(x, how);
    return fail(failure_kind::quarantined, "its tasks die: " + std::to_string(deaths_in_a_row_)
                                             + " of them without anything finished in between, on "
                                             + std::to_string(deadly_with_.size()) + " workers, the last on " + where
                                             + ": " + why);
  }
  retry(x, again, how, now);
}

std::string file_job::of_memory(const part& x) const {
  constexpr int mebibyte_bits = 20;
  return "its limit is " + std::to_string(limits_of(x).memory_bytes >> mebibyte_bits) + " MiB, and "
         + memory_key(x.kind, begin_.order.limits.memory_bytes > 0) + " allows it more";
}

void file_job::broke(part& x, const file_failure& why, time_point now) {
  if (x.kind == work_kind::assemble && !why.source_changed && examine_chunks(why, now))
    return;
  if (why.device_failed && !x.held.seat.gpu.empty())
    return device_refused(x, why.reason, now);
  if (why.terminal || why.source_changed) {
    release(x, {});
    return fail(failure_kind::terminal, why.reason);
  }
  auto how = why.reason.empty() ? std::string{"failed"} : why.reason;
  // Without a control group, the limit makes an allocation fail, and the process lives.
  if (limits_of(x).memory_bytes > 0 && how.find("Cannot allocate memory") != std::string::npos)
    how += "; " + of_memory(x);
  retry(x, config_.retry_first * (1 << std::min(x.failures, 16u)), {how}, now);
}

void file_job::device_refused(part& x, const std::string& why, time_point now) {
  effects_.device_failed(x.attempt, why);
  auto worker = x.held.worker;
  release(x, {});
  // This worker's other cards are tried only after other workers' cards.
  if (std::find(x.refused_by.begin(), x.refused_by.end(), worker) == x.refused_by.end())
    x.refused_by.push_back(worker);
  // As long as no chunk is made, another encoder may be used.
  auto made = std::any_of(parts_.begin(), parts_.end(), [](const part& p) {
    return p.is_chunk() && p.chunk.kind == chunk_kind::video && p.state != part_state::waiting
           && p.state != part_state::leasing;
  });
  if (!made)
    encoder_.clear();
  // A device that opens, works for a while and then fails could do so for ever, so each failure counts as a retry.
  if (made || x.progress.frames > 0)
    return try_elsewhere(x, worker, {}, why, now);
  ++retries_;
  wait_again(x, why);
  pump(now);
}

void file_job::lose_encoder(part& x, time_point now) {
  auto policy = begin_.order.video.on_busy;
  if (policy == exhaustion_policy::queue)
    return;
  auto why = "no worker has " + encoder_ + " any more, which made the finished chunks";
  if (policy == exhaustion_policy::reject)
    return fail(failure_kind::transient, why + ": retry the job when one has it, or allow it another encoder");
  encoder_.clear();
  x.not_before = now;
  for (auto& p : parts_) {
    if (!p.is_chunk() || p.chunk.kind != chunk_kind::video)
      continue;
    if (p.state == part_state::running) {
      release(p, {});
      wait_again(p, why);
    } else if (p.state == part_state::done) {
      p.state = part_state::waiting;
      p.chunk.done = false;
      p.progress = {};
      say().chunk_spoiled(p.chunk.number, why + ": all are made again by another");
    }
  }
  pump(now);
}

void file_job::retry(part& x, milliseconds pause, const lease_end& how, time_point now) {
  auto worker = x.held.worker;
  release(x, how);
  try_elsewhere(x, worker, pause, how.reason, now);
}

void file_job::try_elsewhere(part& x, worker_id than, milliseconds pause, const std::string& why, time_point now) {
  if (++x.failures > config_.retries_max)
    return fail(failure_kind::transient, why);
  ++retries_;
  if (std::find(x.refused_by.begin(), x.refused_by.end(), than) == x.refused_by.end())
    x.refused_by.push_back(than);
  x.not_before = now + std::min(pause, config_.retry_longest);
  wait_again(x, why);
  pump(now);
}

} // namespace troupe::core
