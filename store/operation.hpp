// What can be done to the stored jobs. Operations are values: a caller collects those of many clients and hands them over together.
//
// "Unset" optional members leave what is stored as it is. An attempt that is given is compared inside the statement that
// writes, never read before: what an old attempt sends is refused, however late.
#pragma once

#include "store/record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe::store {

/// A new job, as `queued`. The caller draws the id. The same id or idempotency key again is the same job: the outcome then says `existed`
/// and names it; but with another request it is a `constraint`.
struct submit_job {
  job_id id;
  std::string name;
  job_priority priority = job_priority::medium;
  job_queue queue = job_queue::normal;
  std::string idempotency_key; ///< empty: none
  std::string callback_url;
  std::string request;
  std::string node; ///< who submits, for the history
};

/// What an attempt leaves on its job.
struct job_changes {
  std::optional<uint32_t> failures;
  std::optional<uint32_t> progress_ppm;
  std::optional<job_priority> priority;
  std::optional<failure_kind> failure;
  std::optional<std::string> error;
  std::optional<std::string> result;
};

/// A way of `job_transitions`, with its row of history. To `assigned` it begins the next attempt for `node`.
struct move_job {
  job_id id;
  job_state to = job_state::queued;
  std::optional<job_state> from;   ///< only from there
  std::optional<uint32_t> attempt; ///< only that attempt; has to be said where the way is fenced
  std::string why;
  std::string node;
  job_changes changes = {};
};

/// Changes without a transition, for instance progress. A job that has ended is not changed.
struct edit_job {
  job_id id;
  std::optional<uint32_t> attempt;
  job_changes changes;
};

/// The plan of a job that has not ended: all or none.
struct add_chunks {
  job_id id;
  std::optional<uint32_t> attempt;
  std::vector<chunk_plan> chunks;
};

/// A way of `chunk_transitions`, with its row of history. To `leased` it begins the next attempt for `node`. Chunks of a job that has
/// ended stay as they are.
struct move_chunk {
  job_id id;
  uint32_t number = 0;
  chunk_state to = chunk_state::leased;
  std::optional<uint32_t> attempt;
  std::string why;
  std::string node;
  std::optional<uint32_t> failures;
  std::optional<chunk_result> result; ///< has to be there for `done`, and only then
};

/// Forgets the plan of a job that has not ended, finished chunks included.
struct remove_chunks {
  job_id id;
  std::optional<uint32_t> attempt;
};

/// Forgets a job that has ended, with chunks and history.
struct remove_job {
  job_id id;
};

/// Lines for the log of a job, in order; their numbers are given by the store. A log that is full (`limits::log_lines_per_job`) takes no more.
struct add_log {
  job_id id;
  std::vector<log_line> lines;
};

/// What came of a try to tell an end of a job to its callback URL.
struct edit_callback {
  job_id id;
  int64_t delivery = 0;
  uint32_t tries = 0;
  int64_t not_before_ms = 0;
  bool done = false; ///< delivered or given up: never tried again
  std::string note;
};

using operation = std::variant<submit_job, move_job, edit_job, add_chunks, move_chunk, remove_chunks, remove_job,
                               add_log, edit_callback>;

/// What an operation came to.
struct outcome {
  job_id id;
  uint32_t attempt = 0; ///< of the job, or of the chunk
  bool existed = false; ///< `submit_job`: it was there before
  int64_t history = 0;  ///< the number of the transition's row; 0 where there was none
  std::string from;     ///< the state before it
  job_queue queue = job_queue::normal;
  bool callback = false; ///< the job has ended, and its callback URL waits to be told
};

} // namespace troupe::store
