// Whose turn it is: the waiting jobs, most urgent first.
//
// A job's place is a time: its time of submission, plus one step for each class between it and the most urgent class.
// Within a class, jobs run in the order of submission. No job waits for ever: after one step for each class between, it
// goes before newcomers of the more urgent class. A place is computed once and never changes, which keeps ten thousand
// jobs cheap.
#pragma once

#include "core/jobs/config.hpp"
#include "messages/job.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>

namespace troupe::core {

class job_order {
public:
  explicit job_order(job_order_config config = {}) : config_(config) {}

  struct waiting_job {
    job_id id;
    int64_t number = 0; ///< order of submission
    job_queue queue = job_queue::normal;
    job_priority priority = job_priority::medium;
    int64_t submitted_ms = 0; ///< milliseconds since 1970
  };

  /// The job's place among all jobs: a time in milliseconds since 1970, the lowest is first.
  int64_t turn_of(job_queue queue, job_priority priority, int64_t submitted_ms) const noexcept;

  /// False if the job already waits.
  bool add(const waiting_job& x);

  /// False if the job does not wait.
  bool remove(job_id id);

  /// Takes out the next job; empty if none waits.
  std::optional<job_id> take();

  bool contains(job_id id) const {
    return places_.contains(id);
  }

  size_t size() const noexcept {
    return places_.size();
  }

private:
  struct place {
    int64_t key = 0;
    int64_t number = 0;
    job_id id;

    auto operator<=>(const place&) const = default;
  };

  job_order_config config_;
  std::set<place> ready_;
  std::unordered_map<job_id, place> places_;
};

} // namespace troupe::core
