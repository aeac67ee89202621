// The whole configuration of a node as plain values with their defaults. Only the table in config/option_table.cpp says
// which keys set them, in which units and within which limits. A new option is a member here, or in the struct in core/
// that uses it, and a row there.
#pragma once

#include "config/defaults.hpp"
#include "core/cluster/config.hpp"
#include "core/jobs/config.hpp"
#include "core/live/config.hpp"
#include "core/live/delivery_options.hpp"
#include "core/live/ladder.hpp"
#include "core/trust/url_rules.hpp"
#include "messages/work.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// The role of a `caf-node` process.
enum class role : uint8_t { coordinator, worker, all, task };

enum class log_level : uint8_t { trace, debug, info, warning, error, off };

enum class log_format : uint8_t { text, json };

/// The names that configuration files use for an enumerator.
std::string_view to_string(role x) noexcept;
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

/// PEM files: all three, or none. Without them, certificates are those of the cluster's own authority. A task has only
/// `ca`.
struct tls_options {
  std::string ca;
  std::string certificate;
  std::string key;
  bool always = false; ///< a coordinator uses TLS on loopback, too

  bool operator==(const tls_options&) const = default;

  bool enabled() const noexcept {
    return !ca.empty() && !certificate.empty() && !key.empty();
  }
};

struct cluster_options {
  endpoint listen{"127.0.0.1", 9090};
  endpoint coordinator{"127.0.0.1", 9090};
  std::string port_file; ///< the bound port is written to this file; empty for none
  std::string token;     ///< secret; if empty, the content of `token_file` is used
  std::string token_file;
  bool insecure = false;
  tls_options tls;
  std::string join;           ///< secret; a join token
  endpoint join_at{{}, 8443}; ///< the coordinator's HTTPS; without a host, that of `coordinator`
  std::string authority_key_file;
  milliseconds certificate_life = 720h; ///< of a node
  milliseconds heartbeat_interval = 1s;
  milliseconds reconnect_delay = 250ms;
  milliseconds reconnect_max_delay = 10s;

  bool operator==(const cluster_options&) const = default;
};

/// HTTPS, beside the plain HTTP of `http.listen`.
struct https_options {
  bool enabled = false;
  endpoint listen{"127.0.0.1", 8443};
  std::string port_file;   ///< the bound port is written to this file; empty for none
  std::string certificate; ///< PEM file; empty: the coordinator makes a certificate
  std::string key;         ///< PEM file; empty: in the file of the certificate
  bool redirect = true;    ///< requests with keys must not come to `http.listen` from other machines

  bool operator==(const https_options&) const = default;
};

struct http_options {
  endpoint listen{"127.0.0.1", 8080};
  std::string port_file; ///< the bound port is written to this file; empty for none
  bool insecure = false;
  https_options tls;
  uint64_t header_bytes_max = 16 * defaults::kibibyte; ///< request line included; larger: 414 or 431
  uint64_t body_bytes_max = defaults::mebibyte;        ///< larger: 413
  std::vector<std::string> hosts;                      ///< further host names that requests may be addressed to
  /// Whether requests from this machine need no key: "auto" (until there is a key besides the first), "always",
  /// "never".
  std::string trust_loopback = "auto";
  bool open_channels = false; ///< anyone may watch all channels
  /// Addresses and networks of reverse proxies, whose X-Forwarded-For counts.
  std::vector<std::string> trusted_proxies;
  std::string proxy_protocol = "off"; ///< or "required": connections of these proxies begin with its header
  uint32_t requests_per_second = 100; ///< of one address, on average; more: 429
  uint32_t requests_burst = 200;      ///< at once
  /// More: 503; before that, idle connections are closed to make room.
  uint32_t connections_max = 4096;
  uint32_t connections_per_client = 1024; ///< of one address, or of one IPv6 /64 network; more: 503
  milliseconds header_timeout = 10s;      ///< for the header and the body each; longer: 408
  milliseconds idle_timeout = 60s;        ///< between two requests

  bool operator==(const http_options&) const = default;
};

struct worker_options {
  uint32_t slots = 0; ///< simultaneous transcodes; the number of cores if not configured
  milliseconds drain_timeout = 10s;
  bool prove = true;
  bool trust_codecs = false; ///< trust libav*'s list of codecs without testing them
  std::string capability_cache;
  std::string gpu_sessions;                      ///< limit for each GPU of this worker; empty: the limit of its model
  std::map<std::string, std::string> gpu_limits; ///< the same for single GPUs, by UUID

  bool operator==(const worker_options&) const = default;
};

struct coordinator_options {
  std::string
    http_advertise; ///< "http://host:port" of the HTTP server for workers; empty: the host by which they reach it
  /// Session limits of GPUs by UUID: "none", "unlimited" or a number; they override the workers' own.
  std::map<std::string, std::string> gpu_sessions;

  bool operator==(const coordinator_options&) const = default;
};

struct live_options {
  milliseconds quarantine_for = 5min;
  uint32_t sessions_max = 256;
  uint32_t clients_max = defaults::live_clients_max; ///< who watch, by any protocol; more: 503
  /// Viewers of HLS and DASH from one address, or from one IPv6 /64 network; more: 503.
  uint32_t viewers_per_client = defaults::live_viewers_per_client;
  static constexpr uint64_t slate_image_bytes_max = 8 * defaults::mebibyte;

  std::string slate_image; ///< path of a picture file

  bool operator==(const live_options&) const = default;
};

struct job_options {
  std::string store; ///< a path, or a URL that may hold a password
  std::string work_dir;
  std::string callback_secret; ///< secret; if empty, callbacks are not signed
  milliseconds orphan_timeout = 60s;
  std::string transfer = "auto"; ///< or "http": workers use no path of the coordinator's
  milliseconds keep = 24h;       ///< how long clients' unused files are kept
  uint64_t upload_bytes_max = 1024 * 1024 * defaults::mebibyte;
  milliseconds stop_timeout = 5s;
  milliseconds keep_failed = 24h;

  bool operator==(const job_options&) const = default;
};

struct task_options {
  milliseconds orphan_timeout = 10s;
  milliseconds stop_timeout = 2s;
  core::memory_rules memory{2048 * defaults::mebibyte, 100};
  bool cage = true;
  std::vector<std::string> hidden; ///< out of a task's reach although `paths` allows them
  std::string user;                ///< of the tasks of a node that root started; empty: root

  bool operator==(const task_options&) const = default;
};

struct audit_options {
  uint32_t keep_days = 365;
  uint32_t entries_max = 100'000;

  bool operator==(const audit_options&) const = default;
};

struct log_options {
  log_level level = log_level::info;
  log_format format = log_format::text;

  bool operator==(const log_options&) const = default;
};

/// Folders below which tasks and the coordinator open files.
struct path_options {
  std::vector<std::string> read;
  std::vector<std::string> write;

  bool operator==(const path_options&) const = default;
};

/// All settings of a node. Those that the classes of core/ need are in structs of core/. `channels`, `profiles` and
/// `ladders` hold their names twice: as key and inside the value.
struct configuration {
  config::role role = role::all;
  node_options node;
  cluster_options cluster;
  http_options http;
  worker_options worker;
  coordinator_options coordinator;
  live_options live;
  job_options jobs;
  task_options task;
  audit_options audit;
  path_options paths;
  core::url_rules urls;
  log_options log;
  core::worker_table_config workers;
  core::lease_table_config leases;
  core::session_config session;
  core::client_ring_limits stream;
  core::delivery_options delivery;
  core::job_book_config book;
  core::file_job_config file_job{.disk_refuse = 5, .disk_warn = 10};
  std::map<std::string, channel> channels;
  std::map<std::string, profile> profiles;
  std::map<std::string, core::ladder> ladders;

  bool operator==(const configuration&) const = default;
};

/// The profiles that exist without configuration: "source", "h264-480p", "h264-720p", "h264-1080p", "hevc-720p". A
/// configured profile of the same name changes only the keys that it sets.
std::map<std::string, profile> built_in_profiles();

} // namespace troupe::config
