// File jobs as the coordinator's own process speaks of them: what is ordered, listed and shown. None of it crosses a node.
#pragma once

#include "actors/jobs/job_events.hpp"
#include "core/jobs/file_job.hpp"
#include "messages/file_work.hpp"
#include "messages/job.hpp"
#include "store/operation.hpp"
#include "store/record.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// A new job, checked by who took it from its client.
struct job_submission {
  std::string name;
  job_priority priority = job_priority::medium;
  job_queue queue = job_queue::normal;
  std::string idempotency_key; ///< empty: none
  std::string callback;        ///< URL that is told of the end; empty: none
  std::string from;            ///< who submits, for the history
  file_order order;
};

struct job_submitted {
  job_id id;
  bool existed = false; ///< the same key was there before, with the same order
  std::string warning;  ///< for people; empty: none
};

struct job_question {
  store::job_filter filter;
  std::optional<store::page_cursor> after;
  size_t rows = 100;
};

struct job_row {
  store::job_summary job;
  std::optional<core::file_job_status> status; ///< while it is worked on
};

struct job_listing {
  std::vector<job_row> rows;
  std::optional<store::page_cursor> next;
};

struct job_details {
  store::job job;
  std::vector<store::callback> callbacks; ///< newest first
  std::vector<store::chunk> chunks;
  std::vector<store::history_entry> history; ///< oldest first, as much as a page holds
  std::optional<core::file_job_status> status;
};

/// What was missed of one job, or of all.
struct job_replay {
  std::optional<job_details> job; ///< the one, without chunks and history
  std::vector<job_event> rows;
  bool more = false; ///< ask again behind the last row
};

/// What a job at work wants written down, in order.
struct job_writes {
  job_id id;
  uint32_t attempt = 0; ///< of the job: older ones are not listened to
  std::vector<store::operation> operations;
};

struct job_report {
  job_id id;
  uint32_t attempt = 0;
  core::file_job_status status;
};

/// As much of a reason as the store keeps with a way.
inline std::string fitting(std::string why) {
  constexpr size_t most = 1024;
  if (why.size() > most) {
    why.resize(most);
    // Not in the middle of a character.
    while (!why.empty() && (static_cast<unsigned char>(why.back()) & 0xC0) == 0x80)
      why.pop_back();
    if (!why.empty() && (static_cast<unsigned char>(why.back()) & 0x80) != 0)
      why.pop_back();
  }
  return why;
}

/// A way of a job, or of a chunk, with its reason; the rest is the caller's to fill in.
inline store::move_job way(job_id id, job_state to, std::string why) {
  store::move_job x;
  x.id = id;
  x.to = to;
  x.why = fitting(std::move(why));
  return x;
}

inline store::move_chunk way(job_id id, uint32_t number, chunk_state to, std::string why) {
  store::move_chunk x;
  x.id = id;
  x.number = number;
  x.to = to;
  x.why = fitting(std::move(why));
  return x;
}

} // namespace troupe
