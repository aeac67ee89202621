// Waits that contain one another. The side that asks waits longer than the side that answers. So an answer that says
// what is wrong comes before the wait is over. Each wait is derived from the one inside it; a margin is written only
// here.
//
// A viewer's request, from the inside out:
//   selection         the registry looks for a worker (`cluster.selection_timeout`, plus the wait in a queue)
//   lease_wait        the session waits for the registry's answer
//   first_bytes_wait  the viewer waits at the session: the source opens, a worker is found, the first output comes
//   outer_wait        the coordinator waits for the session's answer
//   gateway_wait      the HTTP server waits for the coordinator's answer
//   outer_wait        the deadline of the viewer's connection
//
// A question of another process to the coordinator:
//   status_wait       the coordinator waits for an actor of its own
//   coordinator_wait  the HTTP server, a worker or a task waits for the coordinator
//
// What a job wants written:
//   store's settings  a statement waits for the database
//   last_writes_wait  the next queue waits for the writes of the one before
//   batch_wait        the queue waits for its writer
//   patient_wait      the job waits for the queue
#pragma once

#include "config/defaults.hpp"

namespace troupe::config::defaults {

/// How much longer the side that asks waits than the side that answers: the way there and back, on a busy machine.
inline constexpr milliseconds answer_margin = 2s;

/// How long to wait for an answer from a side that may itself wait for `inner` first.
constexpr milliseconds outer_wait(milliseconds inner) {
  return inner + answer_margin;
}

// -- a viewer -----------------------------------------------------------------

/// The time that a transcode takes until its first output, on a busy machine.
inline constexpr milliseconds first_output_margin = 5s;

constexpr milliseconds lease_wait(milliseconds selection) {
  return outer_wait(selection);
}

/// `source_open` is `live.open_timeout`.
constexpr milliseconds first_bytes_wait(milliseconds source_open, milliseconds selection) {
  return source_open + selection + first_output_margin;
}

static_assert(first_bytes_wait(0ms, 0ms) > lease_wait(0ms));

constexpr milliseconds gateway_wait(milliseconds first_bytes) {
  return outer_wait(outer_wait(first_bytes));
}

// -- questions ----------------------------------------------------------------

/// Short, because an actor of the coordinator only looks into its own tables.
inline constexpr milliseconds status_wait = 1s;

inline constexpr milliseconds coordinator_wait = 5s;

static_assert(coordinator_wait > outer_wait(status_wait));

/// How long the host of an ended task may take to say how the task ended. The host knows within milliseconds, unless it
/// is gone too or its machine is overloaded. Without an answer, the end counts against the worker. A job and the
/// registry ask the host separately.
inline constexpr milliseconds task_exit_wait = 1s;

// -- writing ------------------------------------------------------------------

inline constexpr milliseconds store_busy_wait = 5s; ///< for another process that writes
inline constexpr milliseconds store_connect_wait = 5s;
inline constexpr milliseconds store_statement_wait = 30s;

/// After this time the writes are stored, or their writer has failed.
inline constexpr milliseconds last_writes_wait = store_connect_wait + store_busy_wait + store_statement_wait;

/// A batch of many statements takes milliseconds. If the store is unreachable, its statement fails within the waits
/// above.
inline constexpr milliseconds batch_wait = 10min;

static_assert(batch_wait > outer_wait(last_writes_wait));

/// For an answer that depends on other work, a person or a disk, so that nobody can say when it comes. The side that
/// waited this long asks again.
inline constexpr milliseconds patient_wait = 24h;

static_assert(patient_wait > outer_wait(batch_wait));

} // namespace troupe::config::defaults
