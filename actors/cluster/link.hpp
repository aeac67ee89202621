// The connection between nodes: published and reached through TLS if certificates are configured, else in plain text.
// link_gate.hpp accepts connections, link_tls.hpp does TLS handshakes, link_prove.hpp proves that a node belongs to the
// cluster, link_connection.hpp carries the bytes, and link_rules.hpp says what a node may send.
#pragma once

#include "config/defaults.hpp"
#include "core/trust/link_proof.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/expected.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <tl/expected.hpp>

struct ssl_ctx_st; // OpenSSL's SSL_CTX

namespace troupe {

struct link_config {
  std::string host = "127.0.0.1"; ///< to listen on, or to connect to
  uint16_t port = 9090;
  std::string ca; ///< PEM files; none for plain connections. A task needs only this one
  std::string certificate;
  std::string key;
  /// The files as they were read before, by `with_certificates`. Empty: they are read for each connection.
  std::shared_ptr<ssl_ctx_st> certificates = {};
  std::string secret{}; ///< to listen: the cluster's; to connect: that of the node, or of the task's pass
  core::link_role role = core::link_role::worker; ///< of the node that connects
  std::string name{};                             ///< its own, or that of its pass
  /// Whether a node of that name is a member, and so are its tasks. Called on the gate's thread. Empty: whoever knows
  /// its secret is.
  std::function<bool(const std::string& node)> admits = {};
  /// Connections that a published coordinator accepts, newcomers included.
  uint64_t connections_max = config::defaults::link_connections_max;
  std::chrono::milliseconds handshake_timeout = config::defaults::link_handshake_timeout;

  bool secure() const noexcept {
    return !ca.empty();
  }
};

/// Reads the certificates, for connections that are made when the files are out of reach. The error says which file is
/// invalid, and why.
tl::expected<link_config, std::string> with_certificates(link_config x);

/// The CAF configuration of one of our nodes. Message types must have been registered before.
class node_system_config : public caf::actor_system_config {
public:
  /// `threads` run the actors that are not detached; 0 leaves the number to CAF. A task process needs one: it hosts
  /// little more than its root, and idle threads only cost context switches.
  explicit node_system_config(size_t threads = 0);
};

class link_gate;

/// A published coordinator. Others can connect to it as long as the gate exists.
struct published_link {
  uint16_t port = 0; ///< the bound port
  std::shared_ptr<link_gate> gate;
};

/// Publishes the coordinator. The error says what is wrong with the address or the certificates. The actor system must
/// outlive the gate.
tl::expected<published_link, std::string> publish(caf::actor_system& system, const coordinator_actor& x,
                                                  const link_config& at);

/// Connects to a published coordinator, and proves to it that this node belongs to the cluster. Blocks during the
/// connection attempt.
caf::expected<coordinator_actor> connect(caf::actor_system& system, const link_config& to);

} // namespace troupe
