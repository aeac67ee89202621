// Bugs that are inserted on purpose, one at a time, around the product's decisions: the referee must find each of them,
// or the referee is useless.
//
// They are in the parts that this folder simulates: in the actors' translation, in the store, in the input of
// decisions. The product's code is not changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace troupe::sim {

enum class plant : uint8_t {
  none,
  unawaited_writer,  ///< a new queue reads the store before the last writes of the old queue have arrived
  no_fence,          ///< as `unawaited_writer`, and the store does not compare attempts
  no_origin,         ///< the book's transitions are written from any state, not only from the one they were decided on
  dropped_way,       ///< the table has no transition from running to queued
  early_publication, ///< what was sent to the store counts as durable
  forgotten_lease,   ///< after a restart it is not known which chunks were leased
  forgotten_chunk,   ///< after a restart it is not known which chunks are finished
  unheeded_pause,    ///< a job's actor is not told to halt
  unheeded_cancel,   ///< a job's actor is not told to end
  ignored_outage,    ///< the book does not learn that the store has failed
  ignored_death,     ///< the book does not learn that a job's actor is gone
  lost_resume,       ///< the book does not learn that a user has resumed a job
  lost_orphan,       ///< a task of an earlier life is not handed over
  unknown_as_queued, ///< an unknown state is taken for `queued`
  kept_lease,        ///< a lease is not given back
  one_too_many,      ///< one job more is at work than may be
  unwritten_chunk,   ///< the transition of a chunk to "finished" is not written
  early_clean_up,    ///< a job's files go before its end is durable
  blind_retry,       ///< a batch that may have been stored is written again, and not looked up
  unheeded_surprise, ///< the book is not told of an operation that was refused, and yet stored
};

// clang-format off
inline constexpr std::string_view plant_names[] = {
  "none", "unawaited_writer", "no_fence", "no_origin", "dropped_way", "early_publication", "forgotten_lease",
  "forgotten_chunk", "unheeded_pause", "unheeded_cancel", "ignored_outage", "ignored_death", "lost_resume",
  "lost_orphan", "unknown_as_queued", "kept_lease", "one_too_many", "unwritten_chunk", "early_clean_up",
  "blind_retry", "unheeded_surprise"};
// clang-format on

static_assert(std::size(plant_names) == static_cast<size_t>(plant::unheeded_surprise) + 1);

inline constexpr size_t plants = std::size(plant_names);

} // namespace troupe::sim
