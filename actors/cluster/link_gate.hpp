// The gate of the cluster port: accepts connections, has each newcomer prove that it belongs to the cluster, and passes
// only those that do to CAF, each with a filter for its role.
//
// It runs on a thread of its own, so that no peer can block an actor. A newcomer has `link_handshake_timeout` for TLS,
// if the cluster uses it, and the proof (core/trust/link_proof.hpp). A worker proves its node's secret; with TLS it
// also shows a certificate for clients. A task proves a pass that its worker has made. Both must be of a node that is
// admitted.
//
// Newcomers may be at most a quarter of all connections, and all connections are limited, too. Beyond the first limit
// the oldest newcomer is dropped, because a legitimate node completes its handshake within milliseconds. Beyond the
// second limit the new connection is dropped. Each refusal is logged with address and reason.
#pragma once

#include "actors/cluster/link.hpp"
#include "actors/cluster/link_connection.hpp"
#include "actors/cluster/link_peers.hpp"
#include "actors/cluster/link_places.hpp"
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
  /// What CAF tells each node that connects.
  struct published {
    caf::strong_actor_ptr actor;
    std::set<std::string> interface;
  };

  /// Listens at `at`. The error says what is wrong with the address or the certificates.
  static tl::expected<std::unique_ptr<link_gate>, std::string> open(caf::actor_system& system, link_config at,
                                                                    published what);

  /// Stops accepting; admitted connections stay.
  ~link_gate();

  link_gate(const link_gate&) = delete;
  link_gate& operator=(const link_gate&) = delete;

  /// The port; if the configuration says 0, the one that the system chose.
  uint16_t port() const noexcept {
    return port_;
  }

  /// Ends all connections of that node and its tasks. It is no longer admitted by then. Usable from any thread.
  void end(const std::string& node) {
    peers_->end(node);
  }

private:
  using clock = std::chrono::steady_clock;

  /// A connection that has not finished its handshake.
  struct newcomer {
    base::descriptor socket;
    link_transport over;
    clock::time_point deadline;
    short events = POLLIN;
    bool secured = false;  ///< TLS is done, or not used
    std::string challenge; ///< ours
    std::string said;      ///< of its claim so far
    std::string reply;     ///< what is still to be sent
    /// Set once the proof is accepted.
    std::shared_ptr<link_places::place> place;
    core::link_claim claim;
    std::string node; ///< the claim's: the worker's own name, or that in the pass
  };

  using newcomers = std::list<newcomer>;

  link_gate(caf::actor_system& system, link_config at, published what, base::descriptor listening,
            std::optional<certificate_store> certificates);

  void run();
  /// Waits for events, and handles them.
  void turn();
  void accept_all();
  void welcome(base::descriptor socket);
  /// Continues a handshake. True if the newcomer is gone, admitted or refused.
  bool advance(newcomer& x);
  bool shake(newcomer& x);
  void greet(newcomer& x);
  bool talk(newcomer& x);
  /// Checks the claim in `said`. Returns why it is refused.
  std::optional<std::string> judge(newcomer& x);
  bool is_member(const std::string& node) const;
  void admit(newcomer& x);
  void refuse(int socket, std::string_view reason);
  /// Accepts and closes a connection for which no descriptor is left. Otherwise it would be offered again at once, for
  /// ever.
  void turn_away();

  caf::actor_system& system_;
  caf::actor broker_; ///< CAF's, for connections between nodes
  link_config at_;
  published what_;
  base::descriptor listening_;
  base::descriptor wake_;
  base::descriptor reserve_; ///< released for a moment to turn a connection away
  std::optional<certificate_store> certificates_;
  uint16_t port_ = 0;
  newcomers newcomers_; ///< oldest first
  std::shared_ptr<link_places> places_ = std::make_shared<link_places>();
  std::shared_ptr<link_peers> peers_ = std::make_shared<link_peers>();
  bool rests_ = false; ///< the system has no descriptor left: accepting pauses for a moment
  telemetry::log_budget refusals_;
  std::vector<pollfd> polled_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

} // namespace troupe
