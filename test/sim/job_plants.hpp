// Bugs that are planted on purpose, one at a time, around the product's decisions: a referee that finds none of them is
// worth nothing.
//
// They are planted in what this folder plays: in the actors' translation, in the store, in what a decision is told. The
// product's code is as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace troupe::sim {

enum class plant : uint8_t {
  none,
  unawaited_writer,  ///< a queue reads while what the one before it has collected is still on its way
  no_fence,          ///< the same, and the store does not compare attempts
  no_origin,         ///< the book's ways go from anywhere, not from where they were decided on
  dropped_way,       ///< the table has no way from running to queued
  early_publication, ///< what is handed to the store counts as durable
  forgotten_lease,   ///< after a restart nobody knows which chunks were leased
  forgotten_chunk,   ///< nor which are finished
  unheeded_pause,    ///< a job's actor is not told to halt
  unheeded_cancel,   ///< nor to end
  ignored_outage,    ///< the book is not told that the store is out of order
  ignored_death,     ///< nor that a job's actor is gone
  lost_resume,       ///< nor that a person has resumed a job
  lost_orphan,       ///< a task of an earlier life is not handed over
  unknown_as_queued, ///< a state that is not known is taken for queued
  kept_lease,        ///< a lease is not given back
  one_too_many,      ///< one job more is at work than may be
  unwritten_chunk,   ///< that a chunk is finished is not written
  early_clean_up,    ///< a job's files go before its end is durable
};

// clang-format off
inline constexpr std::string_view plant_names[] = {
  "none", "unawaited_writer", "no_fence", "no_origin", "dropped_way", "early_publication", "forgotten_lease",
  "forgotten_chunk", "unheeded_pause", "unheeded_cancel", "ignored_outage", "ignored_death", "lost_resume",
  "lost_orphan", "unknown_as_queued", "kept_lease", "one_too_many", "unwritten_chunk", "early_clean_up"};
// clang-format on

static_assert(std::size(plant_names) == static_cast<size_t>(plant::early_clean_up) + 1);

inline constexpr size_t plants = std::size(plant_names);

} // namespace troupe::sim
