// Events of file jobs, for watchers. The queue reports each event once to every subscriber, and never waits for any of
// them.
//
// These messages never cross a node.
#pragma once

#include "core/jobs/file_job.hpp"
#include "messages/job.hpp"
#include "store/record.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

/// A stored transition of a job or of one of its chunks; or the progress of a job.
struct job_event {
  job_id id;
  job_queue queue = job_queue::normal;         ///< unset for a chunk's event
  store::history_entry row;                    ///< for a transition; its number is 0 if there is none
  bool callback = false;                       ///< the job has ended, and a callback is due
  std::optional<core::file_job_status> status; ///< set for progress; otherwise the event is a transition
};

struct job_news {
  std::vector<job_event> events;
};

/// Receives the events.
using job_watcher_actor = caf::typed_actor<caf::result<void>(job_news)>;

/// Asks the queue for its events, until the watcher or the queue dies. The answer comes from the queue itself, so that
/// the watcher can monitor it.
struct job_subscription {
  job_watcher_actor watcher;
  bool callbacks_only = false; ///< only the ends of jobs with a callback
};

/// Asks the store for missed events.
struct job_replay_question {
  std::optional<job_id> id;     ///< one job, its chunks included; else all jobs, without chunks
  std::optional<int64_t> after; ///< events after this row; without it, one job in its present state, and no rows
};

/// Which lines of a job's log.
struct job_log_question {
  job_id id;
  std::optional<int64_t> after; ///< lines after this one
  size_t rows = 1'000;
};

struct job_log {
  std::vector<store::log_line> lines;
  std::optional<int64_t> next; ///< empty: no more lines for now
};

/// All ends of jobs whose callbacks are still due, at most `rows`.
struct callbacks_question {
  size_t rows = 100;
};

struct callback_list {
  std::vector<store::callback> callbacks;
};

/// The result of one try.
struct callback_outcome {
  job_id id;
  int64_t delivery = 0;
  uint32_t tries = 0;
  int64_t not_before_ms = 0;
  bool done = false;
  std::string note;
};

} // namespace troupe
