#include "telemetry/file_job_log.hpp"

namespace troupe::telemetry {

void file_job_log::submitted() {
  std::lock_guard guard{mutex_};
  ++totals_.submitted;
}

void file_job_log::completed() {
  std::lock_guard guard{mutex_};
  ++totals_.completed;
}

void file_job_log::failed() {
  std::lock_guard guard{mutex_};
  ++totals_.failed;
}

void file_job_log::cancelled() {
  std::lock_guard guard{mutex_};
  ++totals_.cancelled;
}

void file_job_log::chunk_encoded(uint64_t frames) {
  std::lock_guard guard{mutex_};
  ++totals_.chunks_encoded;
  totals_.frames_encoded += frames;
}

void file_job_log::chunks_given_back(uint64_t count) {
  std::lock_guard guard{mutex_};
  totals_.chunks_given_back += count;
}

void file_job_log::retried(uint64_t count) {
  std::lock_guard guard{mutex_};
  totals_.retries += count;
}

void file_job_log::present(uint64_t waiting, uint64_t running) {
  std::lock_guard guard{mutex_};
  totals_.waiting = waiting;
  totals_.running = running;
}

file_job_totals file_job_log::totals() const {
  std::lock_guard guard{mutex_};
  return totals_;
}

} // namespace troupe::telemetry
