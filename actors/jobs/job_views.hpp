// File jobs as messages within the coordinator's process: how they are ordered, listed and shown. None of these types
// crosses a node.
#pragma once

#include "actors/jobs/job_events.hpp"
#include "base/utf8.hpp"
#include "core/jobs/file_job.hpp"
#include "messages/file_work.hpp"
#include "messages/job.hpp"
#include "store/limits.hpp"
#include "store/operation.hpp"
#include "store/record.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A new job, already checked by the component that received it.
struct job_submission {
  std::string name;
  job_priority priority = job_priority::medium;
  job_queue queue = job_queue::normal;
  std::string idempotency_key; ///< empty: none
  std::string callback;        ///< URL that is called at the end; empty: none
  std::string from;            ///< the submitter, for the history
  file_order order;
};

struct job_submitted {
  job_id id;
  bool existed = false; ///< a job with the same key and the same order existed before
  std::string warning;  ///< human-readable; empty: none
};

struct job_question {
  store::job_filter filter;
  std::optional<store::page_cursor> after;
  size_t rows = 100;
};

struct job_row {
  store::job_summary job;
  std::optional<core::file_job_status> status; ///< set while the job runs
};

struct job_listing {
  std::vector<job_row> rows;
  std::optional<store::page_cursor> next;
};

struct job_details {
  store::job job;
  std::vector<store::callback> callbacks; ///< newest first
  std::vector<store::chunk> chunks;
  std::vector<store::history_entry> history; ///< oldest first, at most one page
  std::optional<core::file_job_status> status;
};

/// What was missed about one job, or about all.
struct job_replay {
  std::optional<job_details> job; ///< the job, without chunks and history
  std::vector<job_event> rows;
  bool more = false; ///< ask again, starting after the last row
};

/// What a running job wants stored, in order.
struct job_writes {
  job_id id;
  uint32_t attempt = 0; ///< attempt of the job: messages of older ones are ignored
  std::vector<store::operation> operations;
};

struct job_report {
  job_id id;
  uint32_t attempt = 0;
  core::file_job_status status;
};

/// A transition of a job, or of a chunk, with its reason, cut to what the store keeps; the caller sets the other
/// members.
inline store::move_job way(job_id id, job_state to, std::string_view why) {
  store::move_job x;
  x.id = id;
  x.to = to;
  x.why = base::cut(why, store::limits::reason_bytes);
  return x;
}

inline store::move_chunk way(job_id id, uint32_t number, chunk_state to, std::string_view why) {
  store::move_chunk x;
  x.id = id;
  x.number = number;
  x.to = to;
  x.why = base::cut(why, store::limits::reason_bytes);
  return x;
}

} // namespace troupe
