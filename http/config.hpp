// The configuration of the HTTP server: where to listen, and limits on everything that a client sends, holds or waits
// for.
#pragma once

#include "config/config.hpp"
#include "config/waits.hpp"
#include "telemetry/metrics.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::transfer {
class upload_registry;
} // namespace troupe::transfer

namespace troupe::trust {
class audit_log;
class cluster_authority;
class key_ring;
class server_certificate;
} // namespace troupe::trust

namespace troupe::http {

/// One line of the access log. Texts are shortened, and have no secrets and no control characters.
struct access_record {
  std::string request_id;
  std::string remote; ///< address and port
  std::string method;
  std::string target;
  std::string channel; ///< of a live stream, else empty
  std::string profile; ///< of a live stream, else empty
  unsigned status = 0;
  uint64_t sent_bytes = 0;
  std::chrono::milliseconds duration{0};
  std::string note; ///< why a stream ended or a connection was dropped; may be empty
};

/// A rendition of a ladder.
struct ladder_rendition {
  std::string folder; ///< of its files, in that of the ladder
  std::string name;   ///< as a session calls it
  bool sound = false;
};

/// The base class has what an operator may set.
struct server_config : config::http_options {
  uint32_t threads = 1;
  uint64_t target_bytes_max = 4096;                                    ///< larger: 414
  uint64_t bodies_bytes_max = config::defaults::http_bodies_bytes_max; ///< all bodies in memory together; more: 503
  std::chrono::milliseconds write_timeout{30'000};                     ///< drops a client that takes no data this long
  /// For an answer of the coordinator, except for a stream.
  std::chrono::milliseconds ask_timeout = config::defaults::coordinator_wait;
  /// For a stream's first bytes.
  std::chrono::milliseconds watch_timeout{30'000};
  std::chrono::milliseconds event_heartbeat{15'000}; ///< a stream without events for this long gets a comment
  std::chrono::milliseconds upload_window = config::defaults::http_upload_window;
  uint64_t upload_window_bytes = config::defaults::http_upload_window_bytes; ///< fewer bytes in such a window: 408
  /// Clients that listen to events; more: 503.
  uint32_t event_clients_max = config::defaults::http_event_clients_max;
  uint32_t event_clients_per_client = config::defaults::http_event_clients_per_client;
  uint32_t clients_max = config::defaults::live_clients_max; ///< who watch, by any protocol; more: 503
  /// Viewers of HLS and DASH of one client's address; more: 503.
  uint32_t viewers_per_client = config::defaults::live_viewers_per_client;
  uint32_t wrong_keys_max = 30; ///< of one address, in the next time; more: 429
  std::chrono::milliseconds wrong_keys_window{60'000};
  uint32_t logins_max = 10; ///< of one address, in the next time, and as many that fail with one key; more: 429
  std::chrono::milliseconds logins_window{60'000};
  std::chrono::milliseconds session_life = std::chrono::hours{12}; ///< of a browser's session, at most
  std::chrono::milliseconds address_life = std::chrono::hours{24}; ///< of a player's address, if none is asked for
  std::chrono::milliseconds stop_timeout{2'000};                   ///< for connections to end when the server stops
  std::shared_ptr<const telemetry::file_job_log> file_jobs;        ///< the log of file jobs; may be null
  std::shared_ptr<const telemetry::failover_log> failovers;        ///< failovers shown on the metrics page; may be null
  std::shared_ptr<transfer::upload_registry> files;                ///< which files may be read and written; null: none

  /// Concurrent streams and file transfers; more: 503, so that some connections are left for the API.
  uint32_t streams_max() const noexcept {
    constexpr uint32_t least = 16;
    auto kept = std::max(connections_max / 8, std::min(least, connections_max / 2));
    return connections_max - kept;
  }

  std::shared_ptr<trust::key_ring> keys;   ///< null: there are no keys, and only this machine's own user may enter
  std::shared_ptr<trust::audit_log> audit; ///< null: nothing is written down
  std::shared_ptr<trust::cluster_authority> authority;          ///< admits nodes; null: none can join
  std::string cluster_secret;                                   ///< of which a node that joins gets its own
  std::string join_fault;                                       ///< why no node can join at present; empty: nodes can
  std::shared_ptr<trust::server_certificate> certificate;       ///< null: no HTTPS
  std::chrono::milliseconds certificate_interval{5'000};        ///< how often it is looked at for changes
  std::map<std::string, std::vector<ladder_rendition>> ladders; ///< by name
  std::function<void(const access_record&)> log; ///< instead of the log; called on the server's threads, must not block
};

} // namespace troupe::http
