// The whole configuration of a node as plain values with their defaults. Only the table in config/option_table.cpp says
// which keys set them, in which units and within which limits.
#pragma once

#include "config/defaults.hpp"
#include "messages/work.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// The role of a `caf-node` process.
enum class role : uint8_t { coordinator, worker, all, task };

/// How the coordinator chooses among the workers that can do a piece of work.
enum class strategy : uint8_t { least_loaded, round_robin, capability_match, gpu_aware, weighted };

enum class log_level : uint8_t { trace, debug, info, warning, error, off };

enum class log_format : uint8_t { text, json };

/// The names that configuration files use for an enumerator.
std::string_view to_string(role x) noexcept;
std::string_view to_string(strategy x) noexcept;
std::string_view to_string(log_level x) noexcept;
std::string_view to_string(log_format x) noexcept;

/// Where to listen or connect: "host:port", "[::1]:9090". When listening, port 0 means any free port.
struct endpoint {
  std::string host;
  uint16_t port = 0;

  bool operator==(const endpoint&) const = default;

  /// True if only this machine can reach it. Names other than "localhost" count as remote.
  bool is_loopback() const;
};

std::string to_string(const endpoint& x);

struct node_options {
  std::string name;      ///< unique in the cluster; the host's name if not configured
  std::string state_dir; ///< where the node keeps its persistent state

  bool operator==(const node_options&) const = default;
};

/// PEM files: all three, or none for a cluster without TLS.
struct tls_options {
  std::string ca;
  std::string certificate;
  std::string key;

  bool operator==(const tls_options&) const = default;

  bool enabled() const noexcept {
    return !ca.empty() && !certificate.empty() && !key.empty();
  }
};

struct cluster_options {
  endpoint listen{"127.0.0.1", defaults::cluster_port};
  endpoint coordinator{"127.0.0.1", defaults::cluster_port};
  std::string port_file; ///< the bound port is written to this file; empty for none
  std::string token;     ///< secret; if empty, the content of `token_file` is used
  std::string token_file;
  bool insecure = false;
  tls_options tls;
  config::strategy strategy = strategy::least_loaded;
  std::chrono::milliseconds selection_timeout = defaults::selection_timeout;
  std::chrono::milliseconds heartbeat_interval = defaults::heartbeat_interval;
  std::chrono::milliseconds degraded_after = defaults::degraded_after;   ///< without a heartbeat
  std::chrono::milliseconds unhealthy_after = defaults::unhealthy_after; ///< without a heartbeat
  std::chrono::milliseconds gone_after = defaults::gone_after;           ///< without a heartbeat
  double degraded_pressure = defaults::degraded_pressure;                ///< percent
  uint32_t degraded_failures = defaults::degraded_failures;
  uint32_t unhealthy_failures = defaults::unhealthy_failures;
  std::chrono::milliseconds failure_window = defaults::failure_window;
  std::chrono::milliseconds failure_back_off = defaults::failure_back_off;
  std::chrono::milliseconds failure_max_back_off = defaults::failure_max_back_off;
  std::chrono::milliseconds trial_duration = defaults::trial_duration;
  std::chrono::milliseconds reconnect_delay = defaults::reconnect_delay;
  std::chrono::milliseconds reconnect_max_delay = defaults::reconnect_max_delay;

  bool operator==(const cluster_options&) const = default;
};

/// How the coordinator uses GPUs. Session limits are "none", "unlimited" or a number.
struct gpu_options {
  double encoder_max = defaults::gpu_encoder_max;         ///< percent
  double memory_max = defaults::gpu_memory_max;           ///< percent
  double temperature_max = defaults::gpu_temperature_max; ///< °C
  std::chrono::milliseconds back_off = defaults::gpu_back_off;
  std::chrono::milliseconds max_back_off = defaults::gpu_max_back_off;
  std::chrono::milliseconds queue_timeout = defaults::gpu_queue_timeout;
  double alpha = defaults::placement_alpha;    ///< for the strategy `weighted`: cost of each percent of use
  double beta = defaults::placement_beta;      ///< cost of each °C
  double gamma = defaults::placement_gamma;    ///< cost of each job
  std::map<std::string, std::string> sessions; ///< limits of GPUs by UUID; they override the workers' own

  bool operator==(const gpu_options&) const = default;
};

struct http_options {
  endpoint listen{"127.0.0.1", defaults::http_port};
  std::string port_file; ///< the bound port is written to this file; empty for none
  bool insecure = false;
  uint64_t header_bytes_max = defaults::http_header_bytes_max;
  uint64_t body_bytes_max = defaults::http_body_bytes_max;
  std::vector<std::string> hosts; ///< further host names that requests may be addressed to
  uint32_t connections_max = defaults::http_connections_max;
  uint32_t connections_per_client = defaults::http_connections_per_client;
  std::chrono::milliseconds header_timeout = defaults::http_header_timeout;
  std::chrono::milliseconds idle_timeout = defaults::http_idle_timeout;

  bool operator==(const http_options&) const = default;
};

struct worker_options {
  uint32_t slots = 0; ///< simultaneous transcodes; the number of cores if not configured
  uint32_t warm_tasks = defaults::warm_tasks;
  std::chrono::milliseconds drain_timeout = defaults::drain_timeout;
  bool prove = true;
  bool trust_codecs = false; ///< trust libav*'s list of codecs without testing them
  std::string capability_cache;
  std::string gpu_sessions;                      ///< limit for each GPU of this worker; empty: the limit of its model
  std::map<std::string, std::string> gpu_limits; ///< the same for single GPUs, by UUID

  bool operator==(const worker_options&) const = default;
};

struct coordinator_options {
  uint32_t warm_tasks = defaults::warm_tasks;
  std::string
    http_advertise; ///< "http://host:port" of the HTTP server for workers; empty: as they reach the coordinator

  bool operator==(const coordinator_options&) const = default;
};

struct live_options {
  std::chrono::milliseconds idle_timeout = defaults::live_idle_timeout;
  uint64_t source_buffer_bytes = defaults::source_buffer_bytes;
  std::chrono::milliseconds source_buffer_duration = defaults::source_buffer_duration;
  uint64_t credit_bytes = defaults::credit_bytes;
  uint64_t variant_buffer_bytes = defaults::variant_buffer_bytes;
  std::chrono::milliseconds variant_buffer_duration = defaults::variant_buffer_duration;
  std::chrono::milliseconds client_lag_max = defaults::client_lag_max;
  std::chrono::milliseconds open_timeout = defaults::source_open_timeout;
  std::chrono::milliseconds read_timeout = defaults::source_read_timeout;
  std::chrono::milliseconds source_timeout = defaults::source_timeout;
  std::chrono::milliseconds source_return = defaults::source_return;
  std::chrono::milliseconds stall_min = defaults::stall_min;
  std::chrono::milliseconds stall_max = defaults::stall_max;
  std::chrono::milliseconds slow_lag = defaults::slow_lag;
  std::chrono::milliseconds slow_after = defaults::slow_after;
  std::chrono::milliseconds failover_timeout = defaults::failover_timeout;
  uint32_t quarantine_after = defaults::quarantine_after;
  std::chrono::milliseconds quarantine_for = defaults::quarantine_for;
  uint32_t sessions_max = defaults::sessions_max;
  uint32_t clients_max = defaults::clients_max;

  bool operator==(const live_options&) const = default;
};

struct job_options {
  std::string store; ///< a path, or a URL that may hold a password
  std::string work_dir;
  std::string callback_secret; ///< secret; if empty, callbacks are not signed
  uint32_t running_max = defaults::jobs_running_max;
  uint32_t retries_max = defaults::job_retries_max;
  std::chrono::milliseconds silence_max = defaults::job_silence_max;
  std::chrono::milliseconds stall_max = defaults::job_stall_max;
  std::chrono::milliseconds aging_step = defaults::job_aging_step;
  std::chrono::milliseconds orphan_timeout = defaults::job_orphan_timeout;
  std::string transfer = "auto";                       ///< or "http": workers use no path of the coordinator's
  std::chrono::milliseconds keep = defaults::job_keep; ///< for clients' files that are not used
  uint64_t upload_bytes_max = defaults::job_upload_bytes_max;
  std::chrono::milliseconds stop_timeout = defaults::job_stop_timeout;
  uint32_t disk_refuse = defaults::job_disk_refuse; ///< percent
  uint32_t disk_warn = defaults::job_disk_warn;     ///< percent
  std::chrono::milliseconds keep_failed = defaults::job_keep_failed;

  bool operator==(const job_options&) const = default;
};

struct task_options {
  std::chrono::milliseconds orphan_timeout = defaults::orphan_timeout;
  std::chrono::milliseconds stop_timeout = defaults::stop_timeout;
  uint64_t memory = defaults::task_memory;
  uint32_t encode_memory_percent = defaults::task_encode_memory_percent;

  bool operator==(const task_options&) const = default;
};

struct log_options {
  log_level level = log_level::info;
  log_format format = log_format::text;

  bool operator==(const log_options&) const = default;
};

/// All settings of a node. `channels` and `profiles` hold their names twice: as key and inside the value.
struct configuration {
  config::role role = role::all;
  node_options node;
  cluster_options cluster;
  gpu_options gpu;
  http_options http;
  worker_options worker;
  coordinator_options coordinator;
  live_options live;
  job_options jobs;
  task_options task;
  log_options log;
  std::map<std::string, channel> channels;
  std::map<std::string, profile> profiles;

  bool operator==(const configuration&) const = default;
};

/// The profiles that exist without configuration: "source", "h264-480p", "h264-720p", "h264-1080p", "hevc-720p". A
/// configured profile of the same name changes only the keys that it sets.
std::map<std::string, profile> built_in_profiles();

} // namespace troupe::config
