// A coordinator with null jobs. Everything between a client's submission, the job's actor and the store is the
// product's own code. Only the workers are replaced, by an actor that reports at once that the job ran and is done.
#pragma once

#include "actors/gateway.hpp"
#include "http/server.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::bench {

/// The reports of the null jobs and their clients. Filled by many actors.
class dispatch_record {
public:
  using time_point = std::chrono::steady_clock::time_point;

  struct times {
    time_point sent;
    time_point accepted; ///< the client has its answer: the job is durable
    time_point running;
  };

  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> refused{0};   ///< refused, and submitted again
  std::atomic<uint64_t> completed{0}; ///< durably

  void is_accepted(job_id id, time_point sent, time_point now);
  void is_running(job_id id, time_point now);

  /// Takes out the times of all jobs that are both accepted and running.
  std::vector<times> take();

private:
  std::mutex mutex_; ///< guards `jobs_`
  std::unordered_map<job_id, times> jobs_;
};

struct dispatch_settings {
  std::string store_url;
  std::string work_folder;
  uint32_t running_max = 256;
  bool hold = false; ///< jobs never end
};

class dispatch_node {
public:
  /// Throws `std::runtime_error`.
  dispatch_node(const dispatch_settings& x, std::shared_ptr<dispatch_record> record);
  ~dispatch_node();

  dispatch_node(const dispatch_node&) = delete;
  dispatch_node& operator=(const dispatch_node&) = delete;

  /// `clients` clients submit `jobs` jobs in total, each client one job after the other, together at most `rate` a
  /// second (0: no limit). If `key` is not empty, it and n make the n-th job's idempotency key. Does not wait.
  void submit(size_t jobs, size_t clients, double rate = 0, const std::string& key = {});

  /// Jobs that have not ended, at most 1000; also 1000 if the store does not answer.
  size_t open_jobs();

  uint16_t http_port() const {
    return http_->port();
  }

private:
  caf::actor_system_config config_;
  caf::actor_system system_;
  std::shared_ptr<dispatch_record> record_;
  gateway_actor coordinator_;
  std::unique_ptr<http::server> http_;
};

} // namespace troupe::bench
