// The stored data, as plain values. Times are milliseconds since 1970 (UTC), 0 for "never"; media times are ticks of
// 1/90000 s.
#pragma once

#include "messages/job.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::store {

/// A job without its long texts, for lists.
struct job_summary {
  job_id id;
  int64_t number = 0; ///< order of submission; has no meaning outside the store
  std::string name;
  job_state state = job_state::queued;
  job_state previous_state = job_state::queued; ///< the state before a pause
  job_priority priority = job_priority::medium;
  job_queue queue = job_queue::normal;
  int64_t submitted_ms = 0;
  int64_t started_ms = 0; ///< when it first ran
  int64_t ended_ms = 0;
  uint32_t attempt = 0;      ///< the current one, counted from 1; writes for an older one are refused
  uint32_t failures = 0;     ///< attempts that ended in a transient error
  uint32_t progress_ppm = 0; ///< millionths
  std::string worker;        ///< the worker of the current attempt
  failure_kind failure = failure_kind::none;
  std::string error;

  bool operator==(const job_summary&) const = default;
};

struct job : job_summary {
  std::string idempotency_key;
  std::string callback_url;
  std::string request; ///< JSON, all settings
  std::string result;  ///< JSON, empty before the end

  bool operator==(const job&) const = default;
};

/// The result of a finished chunk.
struct chunk_result {
  std::string file; ///< path or name, as the writer of the record defines it
  uint64_t bytes = 0;
  std::string sha256; ///< 64 lower-case hexadecimal digits
  uint64_t frames = 0;
  int64_t first_pts = 0;
  int64_t last_pts = 0;

  bool operator==(const chunk_result&) const = default;
};

/// A part of a job, before any work on it.
struct chunk_plan {
  uint32_t number = 0; ///< unique within the job
  chunk_kind kind = chunk_kind::video;
  int64_t from_pts = 0;
  int64_t to_pts = 0; ///< exclusive

  bool operator==(const chunk_plan&) const = default;
};

struct chunk : chunk_plan {
  chunk_state state = chunk_state::waiting;
  uint32_t attempt = 0;  ///< the current one, counted from 1; writes for an older one are refused
  uint32_t failures = 0; ///< attempts that ended in a transient error
  std::string worker;    ///< the worker of the current or latest attempt
  chunk_result result;   ///< of a finished chunk

  bool operator==(const chunk&) const = default;
};

/// One transition of a job, or of one of its chunks.
struct history_entry {
  static constexpr int64_t whole_job = -1;

  int64_t number = 0; ///< ascending over time
  int64_t chunk = whole_job;
  int64_t at_ms = 0;
  std::string from; ///< empty for the submission
  std::string to;
  std::string why;
  std::string node; ///< the node that made it
  uint32_t attempt = 0;

  bool operator==(const history_entry&) const = default;
};

/// A transition together with its job, for lists over all jobs.
struct history_of_job : history_entry {
  job_id id;
  job_queue queue = job_queue::normal;

  bool operator==(const history_of_job&) const = default;
};

/// A line of a job's log: its own messages and those of the libraries that worked on it.
struct log_line {
  int64_t number = 0; ///< ascending over time
  int64_t at_ms = 0;
  std::string level; ///< "info", "warning", "error"
  std::string part;  ///< "chunk 3 on worker-1"; empty for the job itself
  std::string text;

  bool operator==(const log_line&) const = default;
};

/// The end of a job that is, or was, reported to its callback URL.
struct callback {
  int64_t delivery = 0; ///< number of the end's row of history
  job_id id;
  std::string url;
  int64_t ended_ms = 0;
  uint32_t tries = 0;
  int64_t not_before_ms = 0; ///< of the next try
  int64_t done_ms = 0;       ///< time of delivery or giving up; 0: neither
  std::string note;          ///< the result of the latest try

  bool operator==(const callback&) const = default;
};

/// A job with everything needed to resume it.
struct open_job {
  job the_job;
  std::vector<chunk> chunks;
};

struct state_count {
  job_queue queue = job_queue::normal;
  job_state state = job_state::queued;
  uint64_t jobs = 0;

  bool operator==(const state_count&) const = default;
};

} // namespace troupe::store
