// The cluster's Prometheus metrics: every number in the snapshots of registry and sessions, with the prefix `troupe_`.
#pragma once

#include "messages/status.hpp"
#include "telemetry/failover_log.hpp"
#include "telemetry/file_job_log.hpp"
#include "telemetry/transfer_totals.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::telemetry {

/// Entries of the audit log.
struct audit_counters {
  uint64_t written = 0;
  uint64_t waiting = 0;  ///< now
  uint64_t lost = 0;     ///< the store was away for too long
  uint64_t left_out = 0; ///< of clients without a role that sent too many requests
};

/// The coordinator's own counters: totals since its start.
struct coordinator_counters {
  std::string version;                      ///< of this program
  int64_t started_at_ms = 0;                ///< Unix time of the process's start
  std::array<uint64_t, 5> http_responses{}; ///< by class of the status code: 1xx, 2xx, 3xx, 4xx, 5xx
  uint64_t http_connections = 0;            ///< open now
  uint64_t http_sent_bytes = 0;
  struct viewers_of_format {
    std::string format;
    uint64_t now = 0;
    uint64_t sent_bytes = 0;
  };
  std::vector<viewers_of_format> viewers;
  uint64_t event_clients = 0;          ///< clients that listen now
  uint64_t events_skipped = 0;         ///< progress events not sent to slow clients
  uint64_t event_clients_dropped = 0;  ///< clients dropped because they were too slow
  std::optional<audit_counters> audit; ///< empty: there is no audit log
  failover_totals failovers;
  file_job_totals file_jobs;

  /// Counts one response with this status; an invalid status counts as 5xx.
  void count_response(int status);
};

/// The page that `/metrics` serves, as `text/plain; version=0.0.4`. A task has series only while it runs. Call
/// `totals.observe` with the same snapshots first.
std::string render_metrics(const std::vector<daemon_status>& daemons, const std::vector<session_status>& sessions,
                           const coordinator_counters& counters, const transfer_totals& totals);

/// The same without memory of earlier snapshots: a worker's transfers are only those of its running tasks.
std::string render_metrics(const std::vector<daemon_status>& daemons, const std::vector<session_status>& sessions,
                           const coordinator_counters& counters);

} // namespace troupe::telemetry
