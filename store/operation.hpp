// The operations on stored jobs. Operations are values: a caller collects those of many clients and submits them
// together.
//
// An unset optional member leaves the stored value unchanged. If an attempt is given, the statement that writes also
// compares it. So messages of an old attempt are refused, however late they come.
#pragma once

#include "store/record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe::store {

/// A new job, as `queued`. The caller draws the id. If a job with this id or idempotency key exists, no new one is
/// stored: the outcome says `existed` and names that job. If that job's request differs, the error is `constraint`.
struct submit_job {
  job_id id;
  std::string name;
  job_priority priority = job_priority::medium;
  job_queue queue = job_queue::normal;
  std::string idempotency_key; ///< empty: none
  std::string callback_url;
  std::string request;
  std::string node; ///< the submitter, for the history
};

/// What an attempt changes in its job.
struct job_changes {
  std::optional<uint32_t> failures;
  std::optional<uint32_t> progress_ppm;
  std::optional<job_priority> priority;
  std::optional<failure_kind> failure;
  std::optional<std::string> error;
  std::optional<std::string> result;
};

/// A transition of `job_transitions`, with its row of history. A transition to `assigned` begins the next attempt, for
/// `node`.
struct move_job {
  job_id id;
  job_state to = job_state::queued;
  std::optional<job_state> from;   ///< only from this state
  std::optional<uint32_t> attempt; ///< only for this attempt; required if the transition is fenced
  std::string why;
  std::string node;
  job_changes changes = {};
};

/// Changes without a transition, for instance of progress. A job that has ended stays as it is.
struct edit_job {
  job_id id;
  std::optional<uint32_t> attempt;
  job_changes changes;
};

/// The plan of a job that has not ended: all chunks or none.
struct add_chunks {
  job_id id;
  std::optional<uint32_t> attempt;
  std::vector<chunk_plan> chunks;
};

/// A transition of `chunk_transitions`, with its row of history. A transition to `leased` begins the next attempt, for
/// `node`. Chunks of a job that has ended stay as they are.
struct move_chunk {
  job_id id;
  uint32_t number = 0;
  chunk_state to = chunk_state::leased;
  std::optional<uint32_t> attempt;
  std::string why;
  std::string node;
  std::optional<uint32_t> failures;
  std::optional<chunk_result> result; ///< required for `done`, and only allowed there
  std::optional<uint32_t> life = {};  ///< only in that attempt of the job
};

/// Removes the plan of a job that has not ended, finished chunks included.
struct remove_chunks {
  job_id id;
  std::optional<uint32_t> attempt;
};

/// Removes a job that has ended, with its chunks and history.
struct remove_job {
  job_id id;
};

/// Lines for the log of a job, in order; the store numbers them. A full log (`limits::log_lines_per_job`) accepts no
/// more.
struct add_log {
  job_id id;
  std::vector<log_line> lines;
};

/// The result of a try to report the end of a job to its callback URL.
struct edit_callback {
  job_id id;
  int64_t delivery = 0;
  uint32_t tries = 0;
  int64_t not_before_ms = 0;
  bool done = false; ///< delivered or given up: no further try
  std::string note;
};

using operation = std::variant<submit_job, move_job, edit_job, add_chunks, move_chunk, remove_chunks, remove_job,
                               add_log, edit_callback>;

/// The result of an operation.
struct outcome {
  job_id id;
  uint32_t attempt = 0; ///< of the job or the chunk
  bool existed = false; ///< `submit_job`: the job existed before
  int64_t history = 0;  ///< the number of the transition's row; 0 if there is none
  std::string from;     ///< the state before the transition
  job_queue queue = job_queue::normal;
  bool callback = false; ///< the job has ended, and its callback is due
};

} // namespace troupe::store
