// Times and limits that no operator may change, named and typed, in one place; most of them limit outside input. The
// others are options: their defaults stand in the structs at which config/option_table.cpp points. This file needs only
// the standard library, so every folder may include it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe::config::defaults {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

inline constexpr uint64_t kibibyte = 1024;
inline constexpr uint64_t mebibyte = 1024 * kibibyte;

// Cluster.
inline constexpr milliseconds link_handshake_timeout =
  5s; ///< from the first byte of TCP to the end of TLS and of the proof
/// Connections before their handshake is complete; if there are too many, the oldest is closed.
inline constexpr size_t link_newcomers_max = 256;
inline constexpr uint64_t link_connections_max = 16'384;           ///< of workers and tasks
inline constexpr uint64_t link_message_bytes_max = 256 * mebibyte; ///< of one message between nodes
inline constexpr uint64_t link_control_bytes_max = 4 * mebibyte;   ///< of one message without samples
inline constexpr uint64_t link_step_bytes =
  256 * kibibyte; ///< beyond this, memory for a message grows only with the bytes received

// HTTP.
inline constexpr uint64_t http_bodies_bytes_max = 64 * mebibyte; ///< total of all request bodies in memory
inline constexpr uint32_t live_clients_max = 50'000;
inline constexpr uint32_t live_viewers_per_client = 4'096;
inline constexpr uint32_t http_event_clients_max = 256;
inline constexpr uint32_t http_event_clients_per_client = 64;
inline constexpr milliseconds http_upload_window =
  30s; ///< an upload that receives less than the next constant in this time is ended
inline constexpr uint64_t http_upload_window_bytes = 16 * kibibyte;
inline constexpr size_t http_hosts_max = 64;
inline constexpr size_t json_depth_max = 8;
inline constexpr size_t json_name_bytes_max = 128;

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
inline constexpr size_t paths_max = 1024; ///< folders in a list

/// Languages in the list of a profile.
inline constexpr size_t languages_max = 16;
inline constexpr size_t encoder_options_max = 64;
inline constexpr size_t problems_max = 50; ///< after this many, further problems are only counted
inline constexpr size_t token_bytes_min = 16;
inline constexpr size_t token_bytes_max = 1024;

// Limits of a log line. The excess is cut off.
inline constexpr size_t log_message_bytes_max = 4096;
inline constexpr size_t log_value_bytes_max = 1024;
inline constexpr size_t log_fields_max = 32;

} // namespace troupe::config::defaults
