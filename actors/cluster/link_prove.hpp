// Talking before CAF does: lines over a connection, and a node's side of the proof.
#pragma once

#include "actors/cluster/link.hpp"
#include "actors/cluster/link_connection.hpp"

#include <string>

#include <tl/expected.hpp>

namespace troupe {

/// What both ends of a TLS connection know and nobody else does, as text; empty without TLS.
std::string binding_of(SSL* tls);

/// Proves to the coordinator at the other end that this node belongs to the cluster, and has it prove the same. Blocks
/// for `to.handshake_timeout` at most. Reads nothing beyond the proof.
tl::expected<void, std::string> prove_membership(int socket, link_transport& over, const link_config& to);

} // namespace troupe
