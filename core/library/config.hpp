// What a person decides about a library: its roots, and the limits of the work on them.
#pragma once

#include "core/library/film.hpp"
#include "core/library/filters.hpp"
#include "core/library/hours.hpp"
#include "core/library/savings.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe::core {

/// Which of several queued films is converted first, if their priorities are equal.
enum class film_order : uint8_t { oldest, newest, largest, smallest };

/// A folder with films, and what happens to them. Stored whenever it changes.
struct library_root {
  uint32_t number = 0;
  std::string path; ///< absolute, without a slash at its end
  film_filters filters;
  work_hours hours;
  film_order order = film_order::largest;
  int32_t priority = 0;            ///< added to that of its films
  int64_t keep_ms = kept_for_ever; ///< how long originals are kept after their replacement
  std::string kept_folder;         ///< where they are kept, on the same file system; empty: beside their film
  double min_savings = usual_min_savings;
  bool is_paused = false; ///< a person paused it
  std::string offline;    ///< why it is left alone; empty if it is not
};

struct ledger_config {
  int64_t settle_ms = 60'000;      ///< how long a file must not have changed
  size_t examined_max = 4;         ///< films that are settling at one time
  size_t converted_max = 2;        ///< films that are converted, verified or replaced at one time
  uint32_t tries_max = 3;          ///< of one kind of work, if it fails in a way that may pass
  int64_t retry_first_ms = 60'000; ///< the wait after the first failure; doubled with each
  int64_t retry_longest_ms = 3'600'000;
  int64_t forget_ms = int64_t{30} * 86'400'000; ///< how long a missing film keeps its row
  size_t films_max = 2'000'000;
};

/// The longest path of a film, in bytes.
inline constexpr size_t film_path_bytes_max = 4096;

} // namespace troupe::core
