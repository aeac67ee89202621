// What became of file jobs, counted over the coordinator's life.
//
// Jobs come and go, and a Prometheus counter must not fall when one is removed. So the queue and its jobs tell this log at the moment, and whoever
// serves the metrics reads it. Any thread may call anything.
#pragma once

#include <cstdint>
#include <mutex>

namespace troupe::telemetry {

/// Totals since the log was made, but for what is named as present.
struct file_job_totals {
  uint64_t submitted = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t chunks_encoded = 0;
  uint64_t frames_encoded = 0;    ///< pictures, and packets of sound, of those chunks
  uint64_t chunks_given_back = 0; ///< to live work
  uint64_t retries = 0;           ///< of parts of jobs, whatever went wrong
  uint64_t waiting = 0;           ///< present: jobs in the queue
  uint64_t running = 0;           ///< present: jobs at work

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
