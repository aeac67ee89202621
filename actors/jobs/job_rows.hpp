// Translates between the store and the book of jobs: a stored job to the row that `core::job_book` knows, and a
// transition of the book (`job_way`) to the store's operation.
#pragma once

#include "actors/jobs/job_views.hpp"
#include "core/jobs/job_book.hpp"

#include <utility>

namespace troupe {

inline core::job_row row_of(const store::job_summary& x) {
  return {x.id, x.number, x.state, x.queue, x.priority, x.submitted_ms, x.ended_ms, x.attempt, x.failures, {}};
}

inline core::job_row row_of(const store::open_job& x) {
  auto result = row_of(x.the_job);
  for (auto& c : x.chunks)
    if (c.state == chunk_state::leased)
      result.leased.push_back(c.number);
  return result;
}

inline store::move_job to_operation(const core::job_way& x) {
  auto result = way(x.of.id, x.to, x.why);
  result.node = "coordinator";
  result.from = x.from;
  result.attempt = x.attempt;
  result.changes.failures = x.failures;
  result.changes.failure = x.failure;
  result.changes.error = x.error;
  return result;
}

} // namespace troupe
