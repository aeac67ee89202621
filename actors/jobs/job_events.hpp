// What happens to file jobs, for those who watch: the queue tells each thing once to everybody who subscribed, and never waits for any of them.
//
// None of it crosses a node.
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

/// A transition of a job or of one of its chunks, which is written down already; or how far a job is.
struct job_event {
  job_id id;
  job_queue queue = job_queue::normal;         ///< unset for a chunk's
  store::history_entry row;                    ///< of a transition; its number is 0 where there is none
  bool callback = false;                       ///< the job has ended, and somebody is to be told
  std::optional<core::file_job_status> status; ///< progress; else a transition
};

struct job_news {
  std::vector<job_event> events;
};

/// Takes the news.
using job_watcher_actor = caf::typed_actor<caf::result<void>(job_news)>;

/// Asks the queue for its news until the watcher or the queue dies. The answer comes from the queue itself.
struct job_subscription {
  job_watcher_actor watcher;
  bool callbacks_only = false; ///< only ends that somebody is to be told of
};

/// What was missed, from the store.
struct job_replay_question {
  std::optional<job_id> id;     ///< one job, its chunks included; else all jobs, without chunks
  std::optional<int64_t> after; ///< behind that row; else one job as it is now and no rows
};

/// Which lines of a job's log.
struct job_log_question {
  job_id id;
  std::optional<int64_t> after; ///< behind that line
  size_t rows = 1'000;
};

struct job_log {
  std::vector<store::log_line> lines;
  std::optional<int64_t> next; ///< nothing: this is the end, for now
};

/// All ends of jobs that wait to be told, at most `rows`.
struct callbacks_question {
  size_t rows = 100;
};

struct callback_list {
  std::vector<store::callback> callbacks;
};

/// What came of a try.
struct callback_outcome {
  job_id id;
  int64_t delivery = 0;
  uint32_t tries = 0;
  int64_t not_before_ms = 0;
  bool done = false;
  std::string note;
};

} // namespace troupe
