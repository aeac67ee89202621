// Every time and limit of the product, named and typed, in one place. Values that an operator may change are defaults
// of keys in config/option_table.cpp; the others limit outside input. This file needs only the standard library, so
// every folder may include it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe::config::defaults {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

inline constexpr uint64_t kibibyte = 1024;
inline constexpr uint64_t mebibyte = 1024 * kibibyte;

// Cluster. The health rules keep their ratio to the heartbeat: a worker is unhealthy after three missed ones, gone
// after six.
inline constexpr uint16_t cluster_port = 9090;
inline constexpr milliseconds heartbeat_interval = 1s;
inline constexpr milliseconds degraded_after = 2s;
inline constexpr milliseconds unhealthy_after = 3s;
inline constexpr milliseconds gone_after = 6s;
inline constexpr double degraded_pressure = 50; ///< percent of the last 10 s
inline constexpr uint32_t degraded_failures = 1;
inline constexpr uint32_t unhealthy_failures = 3;
inline constexpr milliseconds failure_window = 60s;
inline constexpr milliseconds failure_back_off = 10s;
inline constexpr milliseconds failure_max_back_off = 5min;
inline constexpr milliseconds trial_duration = 10s;
inline constexpr milliseconds selection_timeout = 5s;
inline constexpr milliseconds reconnect_delay = 250ms;
inline constexpr milliseconds reconnect_max_delay = 10s;
inline constexpr milliseconds link_handshake_timeout =
  5s; ///< from the first byte of TCP to the end of TLS and of the peer's hello
/// Connections before their handshake is complete; if there are too many, the oldest is closed.
inline constexpr size_t link_newcomers_max = 256;
inline constexpr uint64_t link_connections_max = 16'384;           ///< of workers and tasks
inline constexpr uint64_t link_message_bytes_max = 256 * mebibyte; ///< of one message between nodes
inline constexpr uint64_t link_step_bytes =
  256 * kibibyte; ///< beyond this, memory for a message grows only with the bytes received

// GPUs. The 90 % and 85 °C come from the session tracking in the design that this project started from.
inline constexpr double gpu_encoder_max = 90;
inline constexpr double gpu_memory_max = 90;
inline constexpr double gpu_temperature_max = 85;
inline constexpr double gpu_encoder_relief = 10; ///< a GPU takes work again when its use is this much lower
inline constexpr double gpu_memory_relief = 5;
inline constexpr double gpu_temperature_relief = 5;
inline constexpr milliseconds gpu_back_off = 10s;
inline constexpr milliseconds gpu_max_back_off = 5min;
inline constexpr milliseconds gpu_queue_timeout = 60s;
inline constexpr double placement_alpha = 1;
inline constexpr double placement_beta = 0.25;
inline constexpr double placement_gamma = 10;

// HTTP.
inline constexpr uint16_t http_port = 8080;
inline constexpr uint64_t http_header_bytes_max = 16 * kibibyte;
inline constexpr uint64_t http_body_bytes_max = mebibyte;
inline constexpr uint32_t http_connections_max = 4096;
inline constexpr milliseconds http_header_timeout = 10s;
inline constexpr milliseconds http_idle_timeout = 60s;
inline constexpr uint32_t http_connections_per_client = 1024;    ///< of one address, or of one IPv6 /64 network
inline constexpr uint64_t http_bodies_bytes_max = 64 * mebibyte; ///< total of all request bodies in memory
inline constexpr uint32_t http_event_clients_max = 256;
inline constexpr uint32_t http_event_clients_per_client = 64;
inline constexpr milliseconds http_upload_window =
  30s; ///< an upload that receives less than the next constant in this time is ended
inline constexpr uint64_t http_upload_window_bytes = 16 * kibibyte;
inline constexpr size_t http_hosts_max = 64;
inline constexpr size_t json_depth_max = 8;
inline constexpr size_t json_name_bytes_max = 128;

// Live.
inline constexpr milliseconds live_idle_timeout = 60s;
inline constexpr uint64_t source_buffer_bytes = 64 * mebibyte;
inline constexpr milliseconds source_buffer_duration = 30s;
inline constexpr uint64_t credit_bytes = 4 * mebibyte;
inline constexpr uint64_t variant_buffer_bytes = 32 * mebibyte;
inline constexpr milliseconds variant_buffer_duration = 30s;
inline constexpr milliseconds client_lag_max = 15s;
inline constexpr milliseconds source_open_timeout = 10s;
inline constexpr milliseconds source_read_timeout = 10s;
inline constexpr milliseconds source_timeout = 60s;
inline constexpr milliseconds source_return = 30s;
inline constexpr milliseconds stall_min = 500ms;
inline constexpr milliseconds stall_max = 5s;
inline constexpr milliseconds slow_lag = 4s;
inline constexpr milliseconds slow_after = 6s;
inline constexpr milliseconds failover_timeout = 60s;
inline constexpr uint32_t quarantine_after = 3;
inline constexpr milliseconds quarantine_for = 5min;
inline constexpr uint32_t sessions_max = 256;
inline constexpr uint32_t clients_max = 10'000;

// File jobs.
inline constexpr uint32_t jobs_running_max = 8;
inline constexpr uint32_t job_retries_max = 3;
inline constexpr milliseconds job_silence_max = 5s;
inline constexpr milliseconds job_stall_max = 2min;
inline constexpr milliseconds job_aging_step = 10min;
inline constexpr milliseconds job_orphan_timeout = 60s;
inline constexpr milliseconds job_keep = 24h;
inline constexpr uint64_t job_upload_bytes_max = 1024 * 1024 * mebibyte;
inline constexpr milliseconds job_stop_timeout = 5s;
inline constexpr uint32_t job_disk_refuse = 5; ///< percent
inline constexpr uint32_t job_disk_warn = 10;  ///< percent
inline constexpr milliseconds job_keep_failed = 24 * 60min;

// Tasks.
inline constexpr uint64_t task_memory = 2048 * mebibyte;
inline constexpr uint32_t task_encode_memory_percent = 100;
inline constexpr uint32_t warm_tasks = 1;
inline constexpr milliseconds orphan_timeout = 10s;
inline constexpr milliseconds stop_timeout = 2s;
inline constexpr milliseconds drain_timeout = 10s;

// Profiles.
inline constexpr milliseconds keyframe_interval = 2s;

// Limits of a configuration. If it exceeds one, the whole configuration is refused.
inline constexpr size_t file_bytes_max = mebibyte;
inline constexpr size_t yaml_depth_max = 16;
inline constexpr size_t yaml_nodes_max = 50'000;
inline constexpr size_t value_bytes_max = 8 * kibibyte;
inline constexpr size_t path_bytes_max = 4096; ///< PATH_MAX of Linux
inline constexpr size_t name_bytes_max = 64;
inline constexpr size_t channels_max = 1024;
inline constexpr size_t profiles_max = 256;
inline constexpr size_t urls_max = 16;
inline constexpr size_t encoder_options_max = 64;
inline constexpr size_t problems_max = 50; ///< after this many, further problems are only counted
inline constexpr size_t token_bytes_min = 16;
inline constexpr size_t token_bytes_max = 1024;

// Limits of a log line. The excess is cut off.
inline constexpr size_t log_message_bytes_max = 4096;
inline constexpr size_t log_value_bytes_max = 1024;
inline constexpr size_t log_fields_max = 32;

} // namespace troupe::config::defaults
