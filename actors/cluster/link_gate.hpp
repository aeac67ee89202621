// The gate of the cluster port: accepts connections, has each shake hands, and hands to CAF only those that did.
//
// It runs on a thread of its own, so whoever is on the other side keeps no actor from its work. A newcomer has `link_handshake_timeout` for TLS, or, where
// the cluster has none, for BASP's hello. Newcomers are bounded, a quarter of all connections at most, and so are those: beyond the first bound the oldest newcomer leaves, because one that
// belongs here shakes hands within milliseconds; beyond the second the new one does. Who is refused is logged with address and reason.
#pragma once

#include "actors/cluster/link.hpp"
#include "actors/cluster/link_tls.hpp"
#include "base/descriptor.hpp"
#include "telemetry/log_budget.hpp"

#include <caf/actor.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>

#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <tl/expected.hpp>

namespace troupe {

class link_gate {
public:
  /// What CAF tells whoever connects.
  struct published {
    caf::strong_actor_ptr actor;
    std::set<std::string> interface;
  };

  /// Listens at `at`. The error says what is wrong with the address or the certificates.
  static tl::expected<std::unique_ptr<link_gate>, std::string> open(caf::actor_system& system, link_config at,
                                                                    published what);

  /// Stops accepting; what got through stays.
  ~link_gate();

  link_gate(const link_gate&) = delete;
  link_gate& operator=(const link_gate&) = delete;

  /// Where it listens: the one that the system chose where the configuration says 0.
  uint16_t port() const noexcept {
    return port_;
  }

private:
  using clock = std::chrono::steady_clock;

  /// Connected, and yet to shake hands.
  struct newcomer {
    base::descriptor socket;
    tls_session tls;
    clock::time_point deadline;
    short events = POLLIN;
  };

  using newcomers = std::list<newcomer>;

  link_gate(caf::actor_system& system, link_config at, published what, base::descriptor listening,
            std::optional<certificate_store> certificates);

  void run();
  /// Waits for events, and serves them.
  void turn();
  void accept_all();
  void welcome(base::descriptor socket);
  /// Goes on with a handshake. True where the newcomer has gone, either way.
  bool advance(newcomer& x, short events);
  bool hear(newcomer& x, short events);
  void admit(newcomer& x);
  void refuse(int socket, std::string_view reason);
  /// Takes a connection for which there is no descriptor left, and ends it: else it would be offered again at once, for ever.
  void turn_away();

  caf::actor_system& system_;
  caf::actor broker_; ///< CAF's, for connections between nodes
  link_config at_;
  published what_;
  base::descriptor listening_;
  base::descriptor wake_;
  base::descriptor reserve_; ///< given up for a moment to turn somebody away
  std::optional<certificate_store> certificates_;
  uint16_t port_ = 0;
  newcomers newcomers_; ///< oldest first
  std::shared_ptr<std::atomic<size_t>> admitted_ = std::make_shared<std::atomic<size_t>>(0);
  bool rests_ = false; ///< the system has no descriptor left: accepting waits a moment
  telemetry::log_budget refusals_;
  std::vector<pollfd> polled_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

} // namespace troupe
