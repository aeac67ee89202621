// The life of a job and of its chunks, as data: the permitted transitions between states, and who may make them.
//
// The store takes its conditions from these tables, the tests walk all of them, and diagrams and docs follow them. A
// transition that is not listed is an error, even from a state to itself.
#pragma once

#include "messages/job.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace troupe {

template <class State>
struct transition {
  State from;
  State to;
  bool fenced; ///< only the holder of the current attempt may make this transition, and must state the attempt's number
  std::string_view when;
};

/// A job begins as `queued`. Each transition to `assigned` begins a new attempt.
inline constexpr std::array<transition<job_state>, 18> job_transitions{{
  {job_state::queued, job_state::assigned, false, "its turn has come"},
  {job_state::queued, job_state::paused, false, "a person pauses it"},
  {job_state::queued, job_state::cancelled, false, "a person cancels it"},
  {job_state::queued, job_state::failed, false, "it cannot be begun"},
  {job_state::assigned, job_state::running, true, "its first chunk has begun"},
  {job_state::assigned, job_state::queued, false, "it is given back"},
  {job_state::assigned, job_state::paused, false, "a person pauses it"},
  {job_state::assigned, job_state::failed, false, "source or plan is no good"},
  {job_state::assigned, job_state::cancelled, false, "a person cancels it"},
  {job_state::running, job_state::completed, true, "its result is published"},
  {job_state::running, job_state::failed, false, "an error, or out of time"},
  {job_state::running, job_state::cancelled, false, "a person cancels it"},
  {job_state::running, job_state::paused, false, "a person pauses it"},
  {job_state::running, job_state::queued, false, "it is given back"},
  {job_state::paused, job_state::queued, false, "a person resumes it, and nobody has it"},
  {job_state::paused, job_state::failed, false, "it cannot be continued"},
  {job_state::paused, job_state::cancelled, false, "a person cancels it"},
  {job_state::failed, job_state::queued, false, "it is tried again"},
}};

/// A chunk begins as `waiting`. Each transition to `leased` begins a new attempt.
inline constexpr std::array<transition<chunk_state>, 6> chunk_transitions{{
  {chunk_state::waiting, chunk_state::leased, false, "a worker takes it"},
  {chunk_state::leased, chunk_state::done, true, "its result is here and checked"},
  {chunk_state::leased, chunk_state::waiting, false, "given back, lost, or to be tried again"},
  {chunk_state::leased, chunk_state::failed, false, "an error that no other try would mend"},
  {chunk_state::failed, chunk_state::waiting, false, "its job is tried again"},
  {chunk_state::done, chunk_state::waiting, false, "its result was lost or is damaged"},
}};

/// The table for one kind of state.
template <class State>
constexpr const auto& transitions_of() {
  if constexpr (std::is_same_v<State, job_state>)
    return job_transitions;
  else
    return chunk_transitions;
}

/// The transition from one state to another; null if there is none.
template <class State>
constexpr const transition<State>* find_transition(State from, State to) {
  for (const auto& way : transitions_of<State>())
    if (way.from == from && way.to == to)
      return &way;
  return nullptr;
}

/// Nothing runs any more, and the time of the end is recorded. A failed job may still be queued again.
constexpr bool is_ended(job_state x) {
  return x == job_state::completed || x == job_state::failed || x == job_state::cancelled;
}

} // namespace troupe
