// What an operator may set for file jobs, with the defaults. The table in config/ points its rows at these members.
#pragma once

#include "core/memory_plan.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe::core {

using std::chrono::milliseconds;

struct job_order_config {
  milliseconds aging_step{600'000}; ///< head start of a class over the next lower one

  bool operator==(const job_order_config&) const = default;
};

struct job_book_config {
  uint32_t running_max = 8;  ///< jobs that run at the same time
  uint32_t restarts_max = 3; ///< of a job whose actor dies
  job_order_config order = {};

  bool operator==(const job_book_config&) const = default;
};

struct file_job_config {
  size_t requests_max = 4;        ///< leases that are requested at once
  uint32_t retries_max = 3;       ///< of a part
  uint32_t deaths_max = 3;        ///< the job ends if this many tasks of a part die, or tasks on this many workers
  uint32_t disk_refuse = 0;       ///< percent; no part starts if less of the disk is free
  uint32_t disk_warn = 0;         ///< percent; with less free, the job gets a warning
  memory_rules memory = {};       ///< for the job's tasks, if the order sets no limit
  milliseconds retry_first{1000}; ///< pause before a retry after an error; doubled by each error
  milliseconds retry_longest{60'000};
  milliseconds silence_max{5'000}; ///< a task that reports nothing for so long is replaced (it reports twice a second)
  milliseconds stall_max{120'000}; ///< a task that reports, but makes no progress for so long, is replaced
  /// The other parts start with the first chunk's first picture, or this long after that chunk was requested.
  milliseconds head_start{50};
  milliseconds orphan_wait{3'000}; ///< for a task of an earlier coordinator to report that it still works on its chunk

  bool operator==(const file_job_config&) const = default;
};

} // namespace troupe::core
