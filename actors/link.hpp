// The connection between nodes: published and reached over TLS where certificates are configured, else plainly.
#pragma once

#include "messages/actors.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/expected.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe {

struct link_config {
  std::string host = "127.0.0.1"; ///< to listen on, or to connect to
  uint16_t port = 9090;
  std::string ca; ///< PEM files; all three, or none for plain connections
  std::string certificate;
  std::string key;

  bool secure() const noexcept {
    return !ca.empty();
  }
};

/// The CAF configuration of one of our nodes. Message types must have been registered before.
class node_system_config : public caf::actor_system_config {
public:
  /// `threads` run the actors that are not detached; 0 leaves the number to CAF. A task process needs one: it hosts little more than its root,
  /// and threads without work only cost switches.
  explicit node_system_config(const link_config& x, size_t threads = 0);
};

/// Publishes the coordinator; returns the port that was bound.
caf::expected<uint16_t> publish(caf::actor_system& system, const coordinator_actor& x, const link_config& at);

/// Connects to a published coordinator. Blocks for a connection attempt.
caf::expected<coordinator_actor> connect(caf::actor_system& system, const link_config& to);

} // namespace troupe
