// Counts the outcomes of file jobs over the coordinator's life.
//
// Jobs come and go, and a Prometheus counter must not fall when a job is removed. So the queue and its jobs report to
// this log at once, and the page `/metrics` reads it. All functions are thread-safe.
#pragma once

#include <cstdint>
#include <mutex>

namespace troupe::telemetry {

/// Totals since the log was made, except values marked as current.
struct file_job_totals {
  uint64_t submitted = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t chunks_encoded = 0;
  uint64_t frames_encoded = 0;    ///< pictures, and packets of sound, of those chunks
  uint64_t chunks_given_back = 0; ///< returned to make room for live work
  uint64_t retries = 0;           ///< of parts of jobs, for any cause
  uint64_t waiting = 0;           ///< current: jobs in the queue
  uint64_t running = 0;           ///< current: jobs that run

  bool operator==(const file_job_totals&) const = default;
};

class file_job_log {
public:
  void submitted();
  void completed();
  void failed();
  void cancelled();
  void chunk_encoded(uint64_t frames);
  void chunks_given_back(uint64_t count);
  void retried(uint64_t count);
  void present(uint64_t waiting, uint64_t running);

  file_job_totals totals() const;

private:
  mutable std::mutex mutex_;
  file_job_totals totals_;
};

} // namespace troupe::telemetry
